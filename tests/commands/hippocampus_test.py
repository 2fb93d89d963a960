"""Metrics on real labels that people drew, against MONAI's: of the hippocampi beside the project, if they are there."""

import csv
import io
import json
import pathlib
import unittest
import warnings

import nibabel
import numpy
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice
from scipy import ndimage

from harness import Case

DATA = pathlib.Path(__file__).parents[3] / "shared" / "data" / "msd-hippocampus"
warnings.simplefilter("ignore")  # MONAI warns of what is meant here


def one_hot(labels):
    return torch.from_numpy(numpy.stack([labels == c for c in range(3)])[None])


@unittest.skipUnless(DATA.exists(), "no scans of the hippocampus beside the project")
class Hippocampus(Case):
    def test_is_scored_as_monai_scores_it(self):
        entries = json.loads((DATA / "dataset.json").read_text())["training"]
        for folder in ("labels", "predictions"):
            (self.folder / folder).mkdir()
        volumes = {}
        for n, entry in enumerate(entries[:: len(entries) // 8]):
            volume = nibabel.load(DATA / entry["label"])
            truth = numpy.asarray(volume.dataobj).astype(numpy.uint8)
            # A net's mistakes: the whole a voxel off, the anterior part grown or shrunk, a speck far away.
            found = numpy.roll(truth, (n % 3 - 1, (n + 1) % 2, 0), (0, 1, 2))
            grown = (ndimage.binary_dilation if n % 2 else ndimage.binary_erosion)(found == 1)
            found = numpy.where(grown, 1, numpy.where(found == 1, 0, found)).astype(numpy.uint8)
            found[1, 1, 1 + n % 5] = 2
            name = pathlib.Path(entry["label"]).name
            volumes[name.removesuffix(".nii.gz")] = truth, found, volume.header.get_zooms()[:3]
            nibabel.save(nibabel.Nifti1Image(truth, volume.affine), self.folder / "labels" / name)
            nibabel.save(nibabel.Nifti1Image(found, volume.affine), self.folder / "predictions" / name)
        completed = self.run_runner("score", "--labels", "labels", "--predictions", "predictions", "--name", "net",
                                    "--classes", '{"Anterior": 1, "Posterior": 2}', "--format", "csv")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        rows = {(row["subject"], row["structure"]): row for row in csv.DictReader(io.StringIO(completed.stdout))}
        self.assertEqual(len(rows), 2 * len(volumes))
        for subject, (truth, found, spacing) in volumes.items():
            y, y_pred = one_hot(truth), one_hot(found)
            dice = compute_dice(y_pred, y, include_background=False)[0]
            hd95 = compute_hausdorff_distance(y_pred, y, percentile=95, spacing=[float(mm) for mm in spacing])[0]
            nsd = compute_surface_dice(y_pred, y, [1.0, 1.0], spacing=[float(mm) for mm in spacing])[0]
            for c, structure in enumerate(("Anterior", "Posterior")):
                row = rows[subject, structure]
                # What the project promises on this data.
                self.assertAlmostEqual(float(row["dice"]), dice[c].item(), delta=1e-6)
                self.assertAlmostEqual(float(row["hd95_mm"]), hd95[c].item(), delta=1e-4)
                self.assertAlmostEqual(float(row["nsd"]), nsd[c].item(), delta=1e-4)


if __name__ == "__main__":
    unittest.main()
