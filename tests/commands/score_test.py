"""`runner score` on volumes as FreeSurfer writes them, through to the tables and figures of a study."""

import csv
import io
import json
import unittest

import nibabel
import numpy

from harness import Case

SHAPE = (30, 24, 26)
AFFINE = numpy.array([[-1, 0, 0, 15], [0, 0, 1, -13], [0, -1, 0, 12], [0, 0, 0, 1]], float)  # as FreeSurfer conforms


def block(ids, low, high, identity):
    ids[low[0]:high[0], low[1]:high[1], low[2]:high[2]] = identity


def volumes():
    """A thalamus of 10 x 8 x 6 voxels and a cortex; the tool finds the thalamus one voxel to the side."""
    labels, prediction = numpy.zeros(SHAPE, numpy.int32), numpy.zeros(SHAPE, numpy.int32)
    for ids, shift, cortex in ((labels, 0, 3), (prediction, 1, 1022)):
        block(ids, (2 + shift, 2, 2), (12 + shift, 10, 8), 10)
        block(ids, (16, 4, 4), (26, 14, 14), cortex)
    labels[0, 0, 0] = 999
    return labels, prediction


class Score(Case):
    def setUp(self):
        super().setUp()
        labels, prediction = volumes()
        for folder in ("labels", "aseg"):
            (self.folder / folder).mkdir()
        for subject in ("anna", "bert", "cleo"):
            nibabel.save(nibabel.Nifti1Image(labels, AFFINE), self.folder / "labels" / f"{subject}.nii.gz")
        for subject in ("anna", "bert"):
            nibabel.save(nibabel.MGHImage(prediction, AFFINE), self.folder / "aseg" / f"{subject}.mgz")

    def score(self, *more, name="FreeSurfer"):
        return self.run_runner("score", "--labels", "labels", "--predictions", "aseg", "--name", name, *more)

    def test_prints_scores_worked_by_hand(self):
        completed = self.score("--format", "csv")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stdout.splitlines()[0], "subject,structure,dice,hd95_mm,nsd,volume_difference")
        rows = {(row["subject"], row["structure"]): row for row in csv.DictReader(io.StringIO(completed.stdout))}
        self.assertEqual(len(rows), 2 * 27)
        for subject in ("anna", "bert"):
            thalamus = rows[subject, "Left-Thalamus"]
            self.assertAlmostEqual(float(thalamus["dice"]), 0.9, places=12)  # 9 of 10 layers
            self.assertEqual([thalamus[key] for key in ("hd95_mm", "nsd", "volume_difference")], ["1", "1", "0"])
            self.assertEqual(rows[subject, "Left-Cerebral-Cortex"]["dice"], "1")
            self.assertEqual(rows[subject, "Right-Amygdala"]["dice"], "")
        self.assertIn("but no prediction: cleo", completed.stderr)
        self.assertIn("labels: not named by label table freesurfer, so class 0, in 2 of 2 subjects, 1 id a subject: 999 (1 voxels)", completed.stderr)
        self.assertAlmostEqual(json.loads(self.score("--format", "json").stdout)["mean"], 0.95, places=12)
        self.assertIn("0.9500", self.score().stdout)

    def test_becomes_a_row_of_tables_and_figures(self):
        for name in ("FreeSurfer", "SynthSeg", "FreeSurfer"):
            completed = self.score("--results", "r.sqlite", "--study", "mine", name=name)
            self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(self.query("r.sqlite", "select variant, round(pretrained_dice, 9), subjects from table1"),
                         [("FreeSurfer", 0.95, 2), ("SynthSeg", 0.95, 2)])
        self.assert_consistent("r.sqlite")
        completed = self.score("--results", "r.sqlite", "--study", "mine", "--minutes", 420, name="FreeSurfer")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("420.0 min", self.run_runner("report", "metrics", "--results", "r.sqlite").stdout)
        for what in ("table1", "structures"):
            report = self.run_runner("report", what, "--results", "r.sqlite")
            self.assertEqual(report.returncode, 0, report.stderr)
            self.assertIn("FreeSurfer", report.stdout)
        plot = self.run_runner("plot", "figure2", "--results", "r.sqlite", "--variant", "SynthSeg")
        self.assertEqual(plot.returncode, 0, plot.stderr)
        self.assertIn("Left-Thalamus,pretrained,anna,0.9", (self.folder / "figure2.csv").read_text())
        provenance = self.query("r.sqlite", "select command, devices from provenance")
        self.assertEqual(len(provenance), 4)
        self.assertIn("--study mine", provenance[0][0])
        self.assertRegex(provenance[0][1], r"^1 process; .*\b\d+ cores?, \d+ GiB")

    def test_takes_aseg_in_freesurfers_own_form(self):
        """256 x 256 x 256 conformed voxels of one byte, every id that aseg.mgz has: cubes of 12 voxels, found one to the side."""
        ids = [2, 3, 4, 5, 7, 8, *range(10, 19), 24, 26, 28, 30, 31, *range(41, 45), 46, 47, *range(49, 55), 58, 60, 62, 63, 72, 77,
               80, 85, *range(251, 256)]
        conformed = numpy.array([[-1, 0, 0, 128], [0, 0, 1, -128], [0, -1, 0, 128], [0, 0, 0, 1]], float)
        truth, aseg = numpy.zeros((256, 256, 256), numpy.uint8), numpy.zeros((256, 256, 256), numpy.uint8)
        for n, identity in enumerate(ids):
            low = numpy.array([20 + 30 * (n % 7), 20 + 30 * (n // 7), 100])
            block(truth, low, low + 12, identity)
            block(aseg, low + [1, 0, 0], low + [13, 12, 12], identity)
        for folder in ("manual", "mri"):
            (self.folder / folder).mkdir()
        nibabel.save(nibabel.Nifti1Image(truth, conformed), self.folder / "manual" / "bert.nii.gz")
        image = nibabel.MGHImage(aseg, conformed)
        self.assertEqual((image.header["type"], image.header["goodRASFlag"]), (0, 1))  # MRI_UCHAR, as FreeSurfer writes it
        nibabel.save(image, self.folder / "mri" / "bert.mgz")
        completed = self.run_runner("score", "--labels", "manual", "--predictions", "mri", "--name", "FreeSurfer",
                                    "--results", "r.sqlite", "--study", "mine")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("not named by label table freesurfer, so class 0, in 1 of 1 subject, 5 ids a subject: ", completed.stderr)
        dice = dict(self.query("r.sqlite", "select structure, dice from figure2"))
        self.assertEqual(len(dice), 27)
        for structure, value in dice.items():  # 11 of 12 layers, of each id alone and folded into one
            if structure.endswith("Cerebral-White-Matter"):  # with what goes to the nearer side, which a shift may change
                self.assertGreater(value, 0.89)
            else:
                self.assertAlmostEqual(value, 11 / 12, places=12, msg=structure)
        mean = f"{sum(dice.values()) / 27:.4f}"
        self.assertRegex(self.run_runner("report", "--results", "r.sqlite").stdout, rf"FreeSurfer .* {mean} ")
        self.assertEqual(self.run_runner("plot", "figure2", "--results", "r.sqlite").returncode, 0)
        self.assertEqual((self.folder / "figure2.csv").read_text().count(",bert,0.91666"), 25)

    def test_stands_beside_a_grids_variants_also_when_the_grid_runs_again(self):
        completed = self.run_runner(*self.study("tiny.sqlite"), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        for subject, kind in (("labels", ".nii.gz"), ("aseg", ".mgz")):
            (self.folder / subject / f"anna{kind}").rename(self.folder / subject / f"phantom-004{kind}")
        completed = self.score("--results", "tiny.sqlite")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("cover 1 of the study's 1 test subjects", completed.stderr)
        refused = self.score("--results", "tiny.sqlite", name="scheduled")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("'scheduled' is a variant of the study already, from its grid", refused.stderr)
        completed = self.run_runner(*self.study("tiny.sqlite"), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(self.query("tiny.sqlite", "select variant from table1"),
                         [("sum",), ("scheduled",), ("FreeSurfer",)])
        self.assertIn("FreeSurfer", (self.folder / "tiny" / "table1.txt").read_text())

    def test_refuses_by_name_and_stores_nothing(self):
        _, prediction = volumes()
        nibabel.save(nibabel.MGHImage(prediction[1:], AFFINE), self.folder / "aseg" / "bert.mgz")
        completed = self.score("--results", "r.sqlite", "--study", "mine")
        self.assertEqual(completed.returncode, 2)
        self.assertIn("aseg/bert.mgz: has 29 x 24 x 26 voxels, its labels labels/bert.nii.gz have 30 x 24 x 26",
                      completed.stderr)
        self.assertFalse((self.folder / "r.sqlite").exists())
        completed = self.score("--results", "r.sqlite")
        self.assertIn("does not exist; name the study that it is to hold with --study", completed.stderr)


if __name__ == "__main__":
    unittest.main()
