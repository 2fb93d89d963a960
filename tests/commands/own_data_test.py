"""People's own data, from the folders that they have to Table 1, Figure 2 and labels for scans without any: by YAML alone."""

import csv
import json
import struct
import unittest
import zlib

import nibabel
import numpy
from safetensors import safe_open

from harness import Case

GRID = """\
study: own
cohorts:
  mine: {COHORT, split: {SPLIT}}
defaults:
  model: {name: unet, width: 4, depth: 2, norm: batch}
  optimizer: {lr: 0.01}
  stages: {pretrain: {cohort: mine, epochs: 2, batch: 8, augmentation: {rotation: 5, gamma: 0.1, noise: 0.05}}}
variants:
  sum: {loss: {wce: 1, wdice: 1}}
"""
SUBJECTS = ["s1", "s2", "s3", "s4"]


def case(seed, size=(22, 26, 6), channels=1, low=0):
    """Two blobs side by side, each with its grey in every channel, and noise."""
    random = numpy.random.default_rng(seed)
    x, y, z = numpy.meshgrid(*(numpy.arange(n) for n in size), indexing="ij")
    centre = numpy.array(size) / 2 + random.uniform(-1, 1, 3)
    inside = ((x - centre[0]) / 7) ** 2 + ((y - centre[1]) / 8) ** 2 + ((z - centre[2]) / 3) ** 2 < 1
    labels = numpy.where(inside, numpy.where(x < centre[0], 1, 2), 0).astype(numpy.uint8)
    images = [low + (40 + 60 * c) * labels.astype(float) + 10 * random.standard_normal(size) + 20 for c in range(channels)]
    return numpy.stack(images, -1).astype(numpy.float32), labels


def png(path, array):
    """Grey [H, W] or colours [H, W, 3] of 8 bits, without a filter."""
    height, width = array.shape[:2]
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.tobytes() for row in array.astype(numpy.uint8))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if array.ndim == 3 else 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class OwnData(Case):
    AFFINE = numpy.diag([0.9, 0.9, 2.5, 1])

    def save(self, path, voxels, affine=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nibabel.MGHImage if path.suffix == ".mgz" else nibabel.Nifti1Image
        nibabel.save(image(voxels, self.AFFINE if affine is None else affine), path)

    def study(self, cohort, split="train: 2, validation: 1, test: 1", ranks=2):
        """Runs the grid; returns the checkpoint."""
        self.grid.write_text(GRID.replace("COHORT", cohort).replace("SPLIT", split))
        completed = self.run_runner("--grid", self.grid, "--set", f"run.ranks_per_trial={ranks}", ranks=ranks)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("Dice", completed.stdout)
        self.said = completed.stderr
        (checkpoint,) = self.folder.glob("results/own/checkpoints/*/best.safetensors")
        for figure in ("figure1", "figure2"):
            self.assertTrue((self.folder / f"results/own/{figure}.png").exists(), figure)
        ((dice, subjects),) = self.query("results/own.sqlite", "select pretrained_dice, subjects from table1")
        self.assertGreater(dice, 0)
        self.assertEqual(subjects, 1)
        self.assert_consistent("results/own.sqlite")
        return checkpoint

    def structures(self):
        return [name for (name,) in self.query("results/own.sqlite", "select name from structure order by id")]

    def predict(self, checkpoint, images, *more):
        completed = self.run_runner("predict", "--checkpoint", checkpoint, "--images", images, "--output", "predicted", *more)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        return self.folder / "predicted"

    def assert_as_evaluated(self, checkpoint, subject, predicted):
        """What `predict` makes of a scan is what `evaluate` makes of its shard."""
        (shards,) = self.folder.glob("cohorts/mine-*")
        completed = self.run_runner("evaluate", "--checkpoint", checkpoint, "--shards", shards, "--subjects", subject,
                                    "--predictions", "evaluated", "--format", "json")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        expected = nibabel.load(self.folder / f"evaluated/{subject}.nii.gz")
        found = nibabel.load(predicted)
        numpy.testing.assert_array_equal(numpy.asarray(found.dataobj), numpy.asarray(expected.dataobj))
        numpy.testing.assert_allclose(found.affine, expected.affine, atol=1e-4)
        self.assertGreater(numpy.count_nonzero(found.dataobj), 0)

    def test_the_decathlons_folders_with_channels_in_one_file(self):
        entries = []
        for n, name in enumerate(SUBJECTS):
            image, labels = case(n, channels=2)
            self.save(self.folder / f"Task/imagesTr/{name}.nii.gz", image)
            self.save(self.folder / f"Task/labelsTr/{name}.nii.gz", labels)
            entries.append({"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"})
        (self.folder / "Task/dataset.json").write_text(json.dumps(
            {"name": "blobs", "modality": {"0": "T2", "1": "ADC"}, "labels": {"0": "background", "1": "zone PZ", "2": "TZ"},
             "numTraining": 4, "training": entries, "test": []}))
        checkpoint = self.study("source: nnunet, root: Task, intensity: zscore")
        self.assertEqual(self.structures(), ["background", "zone-PZ", "TZ"])
        predicted = self.predict(checkpoint, "Task/imagesTr")
        self.assert_as_evaluated(checkpoint, "s4", predicted / "s4.nii.gz")

        over = self.run_runner("predict", "--checkpoint", checkpoint, "--images", "Task/imagesTr", "--output", "Task/imagesTr")
        self.assertEqual(over.returncode, 2, over.stderr)
        self.assertIn("would overwrite the scan Task/imagesTr/s1.nii.gz", over.stderr)
        drawn = self.folder / "Task/labelsTr/s1.nii.gz"
        before = drawn.read_bytes()
        over = self.run_runner("predict", "--checkpoint", checkpoint, "--images", "Task/imagesTr", "--output", "Task/labelsTr")
        self.assertEqual(over.returncode, 2, over.stderr)
        self.assertIn("--output: Task/labelsTr/s1.nii.gz and 3 others would be overwritten, expected another folder, or --overwrite", over.stderr)
        self.assertEqual(drawn.read_bytes(), before)
        self.predict(checkpoint, "Task/imagesTr", "--overwrite")
        self.save(self.folder / "one/s1.nii.gz", case(1)[0][..., 0])
        fewer = self.run_runner("predict", "--checkpoint", checkpoint, "--images", "one", "--output", "fewer", ranks=2)
        self.assertNotEqual(fewer.returncode, 0)
        self.assertIn("has 1 channel, expected 2 as the net was trained on", fewer.stderr)

    def test_nnunets_folders_with_ignored_voxels_and_its_folds(self):
        for n, name in enumerate(SUBJECTS):
            image, labels = case(n)
            labels[:4] = 3
            self.save(self.folder / f"Dataset/imagesTr/{name}_0000.nii.gz", image[..., 0])
            self.save(self.folder / f"Dataset/labelsTr/{name}.nii.gz", labels)
        (self.folder / "Dataset/dataset.json").write_text(json.dumps(
            {"channel_names": {"0": "MRI"}, "labels": {"background": 0, "left": 1, "right": 2, "ignore": 3},
             "numTraining": 4, "file_ending": ".nii.gz"}))
        (self.folder / "Dataset/splits_final.json").write_text(json.dumps(
            [{"train": ["s1", "s2", "s3"], "val": ["s4"]}, {"train": ["s4", "s2", "s3"], "val": ["s1"]}]))
        grid = GRID.replace("COHORT", "source: nnunet, root: Dataset, intensity: zscore_foreground, pairs: {left: right}")
        self.grid.write_text(grid.replace("SPLIT", "from: folds, folds: 2, validation: 1"))
        completed = self.run_runner("--grid", self.grid, ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        tested = self.query("results/own.sqlite", "select distinct fold, subject from figure2 order by fold")
        self.assertEqual(tested, [(0, "s4"), (1, "s1")])
        judged = self.query("results/own.sqlite", "select sum(true_positive + false_negative) from figure2"
                                                  " where fold = 0 and structure = 'left'")
        image, labels = case(3)
        self.assertEqual(judged, [(int(numpy.count_nonzero(labels[4:] == 1)),)], "voxels that nobody has judged count nowhere")
        checkpoint = sorted(self.folder.glob("results/own/checkpoints/*/best.safetensors"))[0]
        predicted = self.predict(checkpoint, "Dataset/imagesTr/{subject}_0000.nii.gz")
        self.assertEqual(sorted(file.name for file in predicted.iterdir()), [f"{name}.nii.gz" for name in SUBJECTS])

    def test_bids_by_patterns_with_a_person_in_one_part(self):
        for n, (subject, session) in enumerate([("01", "a"), ("01", "b"), ("02", "a"), ("03", "a"), ("04", "a")]):
            image, labels = case(n)
            stem = f"sub-{subject}_ses-{session}"
            self.save(self.folder / f"bids/sub-{subject}/ses-{session}/anat/{stem}_T1w.nii.gz", image[..., 0])
            self.save(self.folder / f"bids/derivatives/manual/sub-{subject}/ses-{session}/anat/{stem}_dseg.nii.gz", labels)
        patterns = ('root: bids, images: "sub-{subject}/ses-{session}/anat/*_T1w.nii.gz", '
                    'labels: "derivatives/manual/sub-{subject}/ses-{session}/anat/*_dseg.nii.gz"')
        checkpoint = self.study(f"source: scans, {patterns}, classes: {{Anterior: 1, Posterior: 2}}, intensity: zscore, "
                                "grid: {width: 32, height: 32, mm: native}")
        self.assertEqual(self.query("results/own.sqlite", "select distinct subject from subject_score where part = 'validation'"),
                         [("03_a",)])
        self.assertEqual(self.query("results/own.sqlite", "select subject, person from person order by 1"),
                         [("01_a", "01"), ("01_b", "01"), ("02_a", "02"), ("03_a", "03"), ("04_a", "04")])
        predicted = self.predict(checkpoint, "bids/sub-{subject}/ses-{session}/anat/*_T1w.nii.gz")
        self.assertEqual(sorted(p.name for p in predicted.iterdir()),
                         ["01_a.nii.gz", "01_b.nii.gz", "02_a.nii.gz", "03_a.nii.gz", "04_a.nii.gz"])
        self.assert_as_evaluated(checkpoint, "04_a", predicted / "04_a.nii.gz")

        self.save(self.folder / "others/large.nii.gz", case(5, size=(40, 26, 6))[0][..., 0])
        self.save(self.folder / "others/small.nii.gz", case(6)[0][..., 0])
        others = self.run_runner("predict", "--checkpoint", checkpoint, "--images", "others", "--output", "of_others", ranks=2)
        self.assertEqual(others.returncode, 0, others.stderr)
        self.assertIn("background beyond the 32 x 32 pixels around the middle, which is all that the net was trained on: large (1 scan)", others.stderr)
        labels = numpy.asarray(nibabel.load(self.folder / "of_others/large.nii.gz").dataobj)
        self.assertEqual(numpy.count_nonzero(labels[:4]) + numpy.count_nonzero(labels[36:]), 0)

    def test_freesurfers_subjects_by_some_of_its_structures(self):
        affine = numpy.array([[-1, 0, 0, 11], [0, 0, 1, -3], [0, -1, 0, 13], [0, 0, 0, 1]])  # FreeSurfer's LIA
        for n, name in enumerate(SUBJECTS):
            image, labels = case(n)
            aseg = numpy.choose(labels, [0, 17, 53]).astype(numpy.int32)
            aseg[0, 0, 0] = 41  # of another structure
            self.save(self.folder / f"subjects/{name}/mri/T1.mgz", numpy.clip(image[..., 0], 0, 255).astype(numpy.uint8), affine)
            self.save(self.folder / f"subjects/{name}/mri/aseg.mgz", aseg, affine)
        checkpoint = self.study('source: scans, root: subjects, images: "{subject}/mri/T1.mgz", labels: "{subject}/mri/aseg.mgz", '
                                "classes: {Left-Hippocampus: 17, Right-Hippocampus: 53}, axis: coronal, "
                                "pairs: {Left-Hippocampus: Right-Hippocampus}, grid: {width: 32, height: 32, mm: 1}")
        predicted = self.predict(checkpoint, "subjects/{subject}/mri/T1.mgz")
        volume = nibabel.load(predicted / "s1.mgz")
        self.assertEqual("".join(nibabel.aff2axcodes(volume.affine)), "LIA")
        numpy.testing.assert_allclose(volume.affine, affine, atol=1e-4)
        self.assertLessEqual(set(numpy.unique(volume.dataobj)), {0, 17, 53})
        self.assertGreater(numpy.count_nonzero(volume.dataobj), 0)
        alone = numpy.asarray(volume.dataobj).copy()
        self.predict(checkpoint, "subjects/{subject}/mri/T1.mgz", "--checkpoint", checkpoint, "--overwrite")  # it votes with itself
        numpy.testing.assert_array_equal(numpy.asarray(nibabel.load(predicted / "s1.mgz").dataobj), alone)

    def test_ct_from_a_table_with_parts(self):
        with open(self.folder / "ct.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["subject", "image", "labels", "part"])
            for n, (name, part) in enumerate(zip(SUBJECTS, ["train", "train", "validation", "test"])):
                image, labels = case(n, low=-1000, size=(22, 26, 6 + n))
                self.save(self.folder / f"ct/{name}.nii.gz", numpy.round(image[..., 0]).astype(numpy.int16),
                          numpy.diag([0.8, 0.8, 2 + n, 1]))
                self.save(self.folder / f"ct/{name}_seg.nii.gz", labels, numpy.diag([0.8, 0.8, 2 + n, 1]))
                table.writerow([name, f"ct/{name}.nii.gz", f"ct/{name}_seg.nii.gz", part])
        checkpoint = self.study("source: scans, table: ct.csv, classes: {Organ: [1, 2]}, intensity: ct", "from: parts")
        self.assertIn("spacing between slices varies from 2 mm (s1) to 5 mm (s4)", self.said)
        # By numpy, from the labelled voxels of the two training subjects alone.
        labelled = []
        for n in (0, 1):
            image, labels = case(n, low=-1000, size=(22, 26, 6 + n))
            labelled.append(numpy.round(image[..., 0])[labels > 0])
        values = numpy.concatenate(labelled)
        with safe_open(checkpoint, framework="np") as file:
            (standard,) = json.loads(file.metadata()["data"])["standards"]
        low, high = numpy.percentile(values, [0.5, 99.5])
        for name, expected in (("low", low), ("high", high), ("mean", values.mean()), ("sd", values.std())):
            self.assertAlmostEqual(standard[name], expected, delta=1e-3, msg=name)  # of float32 values about -1000
        self.assertEqual(self.query("results/own.sqlite", "select voxel_mm from stage"), [(None,)])
        moved = (self.folder / "ct.csv").read_text().replace("test", "other").replace("validation", "test").replace("other", "validation")
        (self.folder / "ct.csv").write_text(moved)
        again = self.run_runner("--grid", self.grid, ranks=2)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("1 to run", again.stderr, "another split is another trial")
        tested = self.query("results/own.sqlite", "select distinct subject from figure2")
        self.assertEqual(tested, [("s3",)])
        (self.folder / "ct.csv").write_text(moved.replace("subject,image,", "subject,imagee,"))
        misspelt = self.run_runner("--grid", self.grid, ranks=2)
        self.assertEqual(misspelt.returncode, 2, misspelt.stderr)
        self.assertIn("ct.csv: has no column image; not used: imagee", misspelt.stderr)
        (self.folder / "new").mkdir()
        image, _ = case(3, low=-1000, size=(22, 26, 9))
        self.save(self.folder / "new/s4.nii.gz", numpy.round(image[..., 0]).astype(numpy.int16), numpy.diag([0.8, 0.8, 5, 1]))
        predicted = self.predict(checkpoint, "new")
        self.assert_as_evaluated(checkpoint, "s4", predicted / "s4.nii.gz")

    def test_pictures_in_colour_and_the_check_of_a_cohort(self):
        for part in ("images", "labels"):
            (self.folder / part).mkdir()
        for n, name in enumerate(SUBJECTS):
            image, labels = case(n, channels=3)
            png(self.folder / f"images/{name}.png", numpy.clip(image[:, :, 3], 0, 255))
            png(self.folder / f"labels/{name}.png", labels[:, :, 3])
        checkpoint = self.study("source: scans, images: images, labels: labels, classes: {one: 1, two: 2}, intensity: zscore")
        predicted = self.predict(checkpoint, "images")
        self.assertEqual(sorted(p.name for p in predicted.iterdir()), [f"{name}.png" for name in SUBJECTS])
        scored = self.run_runner("score", "--labels", "labels", "--predictions", "predicted", "--name", "net",
                                 "--classes", '{"one": 1, "two": 2}', "--format", "json")
        self.assertEqual(scored.returncode, 0, scored.stderr)
        self.assertEqual(len(json.loads(scored.stdout)["subjects"]), 4)

        checked = self.run_runner("prepare", "--check", "--images", "images", "--labels", "labels", "--classes",
                                  '{"one": 1, "two": 2}', "--intensity", "none", "--output", "shards")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        for word in ("4 subjects of 1 axial slices", "3 channels", "image-3", "in subjects", "two"):
            self.assertIn(word, checked.stdout)
        self.assertEqual((self.folder / "shards/check.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")

    def test_several_pictures_of_a_person_who_counts_once(self):
        for part in ("images", "labels"):
            (self.folder / part).mkdir()
        for n, (person, picture) in enumerate((p, q) for p in SUBJECTS for q in "ab"):
            image, labels = case(n)
            png(self.folder / f"images/{person}_{picture}.png", numpy.clip(image[:, :, 3, 0], 0, 255))
            png(self.folder / f"labels/{person}_{picture}.png", labels[:, :, 3])
        self.study('source: scans, images: "images/{subject}_{session}.png", labels: "labels/{subject}_{session}.png", '
                   "classes: {one: 1, two: 2}, intensity: zscore")
        pictures = self.query("results/own.sqlite", "select distinct subject from figure2 order by 1")
        self.assertEqual([name[2:] for (name,) in pictures], ["_a", "_b"])
        self.assertEqual(len({name[:2] for (name,) in pictures}), 1)
        table = self.run_runner("report", "table1", "--results", "results/own.sqlite")
        self.assertIn("A subject is a person", table.stdout)

    def test_a_derived_grid_is_printed_before_anything_is_prepared(self):
        for n, name in enumerate(SUBJECTS):
            image, labels = case(n)
            self.save(self.folder / f"images/{name}.nii.gz", image[..., 0])
            self.save(self.folder / f"labels/{name}.nii.gz", labels)
        cohort = "source: scans, images: images, labels: labels, classes: {one: 1, two: 2}, intensity: zscore"
        self.grid.write_text(GRID.replace("COHORT", cohort).replace("SPLIT", "train: 2, validation: 1, test: 1"))
        listed = self.run_runner("--grid", self.grid, "--dry-run", ranks=2)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("cohort mine: 4 subjects, 3 classes, 1 channel, axis: axial, "
                      "grid: {width: 32, height: 32, mm: 0.9, slice_mm: native}", listed.stdout)
        self.assertIn("on mine (32 x 32, batch 8)", listed.stdout)
        self.assertFalse((self.folder / "cohorts").exists())

        refused = self.run_runner("--grid", self.grid, "--set", "model.depth=6", ranks=2)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("slices of 32 x 32 pixels of cohort 'mine' don't suit model.depth 6", refused.stderr)
        self.assertIn("expected multiples of 64", refused.stderr)


if __name__ == "__main__":
    unittest.main()
