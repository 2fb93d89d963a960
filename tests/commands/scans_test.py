"""experiments/table1-paper.yaml on two folders of scans as they come: FreeSurfer's labels in MGZ, MICCAI's in NIfTI."""

import pathlib
import unittest

import nibabel
import numpy

from harness import Case

GRID = pathlib.Path(__file__).parents[2] / "experiments" / "table1-paper.yaml"
FREESURFER = [2, 3, 41, 42, 4, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 28, 43, 46, 47, 49, 50, 51, 52, 53, 54, 60]
MICCAI = [45, 101, 44, 100, 52, 41, 39, 60, 37, 58, 56, 4, 11, 35, 48, 32, 62, 51, 40, 38, 59, 36, 57, 55, 47, 31, 61]
SIDES = (16, 28, 44)  # mm, of the cube of structure c: SIDES[c % 3]


def head(spacing, ids, random):
    """A cube of each structure in a grid of 3 x 3 x 3, 52 mm apart, and an image of noise in which each has its grey."""
    size = numpy.round(180 / spacing).astype(int)
    labels = numpy.zeros(size, numpy.int32)
    for c, identity in enumerate(ids, 1):
        centre = numpy.array([(c - 1) % 3, (c - 1) // 3 % 3, (c - 1) // 9]) * 52 + 38
        low, high = ((centre + sign * SIDES[c % 3] / 2) / spacing for sign in (-1, 1))
        labels[tuple(slice(int(round(a)), int(round(b))) for a, b in zip(low, high))] = identity
    grey = numpy.zeros(max(ids) + 1)
    grey[ids] = 60 + 7 * numpy.arange(1, 28)
    image = grey[labels] + 30 + 5 * random.standard_normal(size)
    return image.astype(numpy.float32), labels


class PapersGrid(Case):
    def write(self, folder, subjects, ids, spacing, codes, suffix, save):
        random = numpy.random.default_rng(1)
        affine = nibabel.orientations.inv_ornt_aff(
            nibabel.orientations.axcodes2ornt(codes), numpy.round(180 / spacing).astype(int)) * [[*spacing, 1]]
        for part in ("images", "labels"):
            (self.folder / folder / part).mkdir(parents=True)
        for subject in subjects:
            image, labels = head(spacing, ids, random)
            save(image, affine, self.folder / folder / "images" / subject)
            save(labels, affine, self.folder / folder / "labels" / f"{subject}{suffix}")

    def test_runs_on_both_data_sets_with_their_roots_alone(self):
        self.write("HCP", ["100307", "100408", "101107"], FREESURFER, numpy.array([2.1, 2.1, 2.1]), "LIA", "",
                   lambda voxels, affine, stem: nibabel.save(nibabel.MGHImage(voxels, affine), f"{stem}.mgz"))
        self.write("MICCAI", ["1000_3", "1001_3", "1002_3", "1003_3", "1004_3", "1023_3"], MICCAI, numpy.array([3, 2.5, 3]), "RAS", "_glm",
                   lambda voxels, affine, stem: nibabel.save(nibabel.Nifti1Image(voxels, affine), f"{stem}.nii.gz"))
        small = {"cohorts.pretraining.size": 64, "cohorts.pretraining.split.train": 2, "cohorts.pretraining.split.validation": 1,
                 "cohorts.miccai.size": 64, "cohorts.miccai.split.train": 2, "cohorts.miccai.split.validation": 1,
                 "cohorts.miccai.split.test_subjects": "1003_3 1004_3", "seeds": "[1]", "model.width": 4,
                 "stages.pretrain.epochs": 1, "stages.pretrain.crop": 32}
        for variant, key, value in (("U-Net, loss scheduling", "epochs", 1), ("U-Net, loss scheduling (control)", "epochs", 1),
                                    ("U-Net, loss scheduling (control)", "train_subjects", 1)):
            small[f"variants.{variant}.stages.finetune.{key}"] = value
        quicknat = "QuickNAT, fixed w-CE + boundary + Dice"
        small |= {f"variants.{quicknat}.stages.finetune.epochs": 1, f"variants.{quicknat}.model.kernel": 3}
        arguments = [word for path, value in small.items() for word in ("--set", f"{path}={value}")]
        for only in ("U-Net, loss scheduling", "U-Net, loss scheduling (control)", quicknat):
            arguments += ["--only", only]
        completed = self.run_runner("--grid", GRID, "--set", "cohorts.pretraining.root=HCP", "--set", "cohorts.miccai.root=MICCAI",
                                    "--results", "r.sqlite", *arguments, ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr[-3000:])
        self.assert_consistent("r.sqlite")
        rows = self.query("r.sqlite", "select variant, pretrained_dice is not null, finetuned_dice is not null, subjects"
                                      " from table1 where pretrained_dice is not null")
        self.assertEqual(rows, [("U-Net, loss scheduling", 1, 1, 2), ("U-Net, loss scheduling (control)", 1, 1, 2), (quicknat, 1, 1, 2)])
        self.assertEqual(self.query("r.sqlite", "select distinct subject from subject_score where part = 'test' order by 1"),
                         [("1003_3",), ("1004_3",)])
        # Each structure's volume is that of its cube and no other's: the ids were read by their own tables.
        for part in ("test", "validation"):
            for c, volume in self.query("r.sqlite", "select structure_id, (true_positive + false_negative) * 64 from subject_score"
                                                    f" join stage on stage.id = stage_id where metric = 'dice' and part = '{part}'"
                                                    " and plane = 'axial'"):
                nearest = min(SIDES, key=lambda side: abs(numpy.log(max(volume, 1) / side**3)))
                self.assertEqual(nearest, SIDES[c % 3], f"{part}, structure {c} has {volume} cubic mm")


if __name__ == "__main__":
    unittest.main()
