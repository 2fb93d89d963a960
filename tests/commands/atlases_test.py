"""Trials by atlases under a real mpirun: the registrations are shared, survive a kill, and a failing one ends its trial alone."""

import os
import shutil
import signal
import time
import unittest

import nibabel
import numpy

from harness import Case

GRID = """\
study: tiny
cohorts:
  phantom: {source: phantom, subjects: 6, size: 32, seed: 7, split: {train: 4, validation: 1, test: 1}}
defaults:
  stages:
    finetune: {cohort: phantom}
variants:
  majority: {method: atlas, atlas: {fusion: majority, registration: &quick {deformable_levels: 2, control_spacing_mm: 40}}}
  joint:    {method: atlas, atlas: {fusion: joint, joint: {search_radius: 0}, registration: *quick}}
  net:
    model: {name: unet, width: 4, depth: 2}
    loss: {wce: 1}
    stages: {finetune: {epochs: 1, batch: 8}}
"""
IDS = [2, 3, 41, 42, 4, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 28, 43, 46, 47, 49, 50, 51, 52, 53, 54, 60]  # FreeSurfer's


class Atlases(Case):
    def setUp(self):
        super().setUp()
        self.grid.write_text(GRID)
        self.cohorts = self.folder / "cohorts"

    def study(self, results, *more):
        return ["--grid", self.grid, "--cohorts", self.cohorts, "--results", self.folder / results, *more]

    def registrations(self):
        folder = self.cohorts / "registrations"
        return sorted(p for p in folder.glob("*") if p.is_dir() and p.suffix == "") if folder.exists() else []

    def test_share_registrations_and_stand_beside_the_net(self):
        completed = self.run_runner(*self.study("first.sqlite"), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(len(self.registrations()), 4)
        self.assertEqual(list((self.cohorts / "registrations").glob("*.partial")), [])
        self.assertEqual(self.query("first.sqlite", "select variant, model, loss from table1"),
                         [("majority", "Atlases, majority vote", "–"), ("joint", "Atlases, joint label fusion", "–"),
                          ("net", "U-Net (width 4, depth 2)", "Fixed (w-CE)")])
        self.assertEqual(self.query("first.sqlite", "select count(*), min(seconds) > 0 from subject_time"), [(3, 1)])
        self.assert_consistent("first.sqlite")
        (libraries,), = self.query("first.sqlite", "select libraries from provenance")
        self.assertRegex(libraries, r'"ITK":"\d+\.\d+.*"elastix":"[^"]*\d+\.\d+')
        report = self.run_runner("report", "metrics", "--results", "first.sqlite")
        self.assertIn("Time a scan", report.stdout)

        # The majority vote again, by NumPy: the classes' volumes are those that were counted.
        labels = numpy.array([nibabel.load(r / "manual.nii.gz").get_fdata() for r in self.registrations()])
        votes = numpy.array([(labels == c).sum(0) for c in range(28)])
        volumes = numpy.bincount(votes.argmax(0).ravel(), minlength=28)[1:]  # argmax: the smaller class among equals
        counted = self.query("first.sqlite", "select true_positive + false_positive from figure2 join structure on"
                                             " structure.name = figure2.structure where variant = 'majority' order by id")
        self.assertEqual([c for c, in counted], volumes.tolist())

        # Another study on the same subjects finds them made.
        made = {r: os.stat(r / "registration.json").st_mtime_ns for r in self.registrations()}
        completed = self.run_runner(*self.study("second.sqlite", "--only", "joint"), ranks=1)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual({r: os.stat(r / "registration.json").st_mtime_ns for r in self.registrations()}, made)
        # Two ranks on one trial make them anew, and the same.
        self.cohorts = self.folder / "other cohorts"
        together = self.study("third.sqlite", "--only", "joint", "--set", "run.ranks_per_trial=2")
        completed = self.run_runner(*together, ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(len(self.registrations()), 4)
        scores = "select structure_id, metric, value from subject_score join stage on stage.id = stage_id join trial on" \
                 " trial.id = trial_id join variant on variant.id = variant_id where variant.name = 'joint' order by 1, 2"
        for other in ("second.sqlite", "third.sqlite"):
            self.assertEqual(self.query(other, scores), self.query("first.sqlite", scores), other)

    def test_go_on_after_a_kill(self):
        process = self.start_runner(*self.study("r.sqlite", "--only", "majority"), ranks=2)
        deadline = time.monotonic() + 200
        while not self.registrations() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        made = self.registrations()
        self.assertLess(len(made), 4, "it ended before it was interrupted")
        self.assertEqual(self.query("r.sqlite", "select state, error from trial where attempts > 0"), [("interrupted", "")])
        completed = self.run_runner(*self.study("r.sqlite", "--only", "majority"), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(len(self.registrations()), 4)
        self.assertEqual(self.query("r.sqlite", "select state, attempts from trial where state = 'finished'"), [("finished", 2)])

    def test_a_registration_that_fails_ends_its_trial_and_the_grid_goes_on(self):
        broken = self.folder / "bin"
        broken.mkdir()
        (broken / "elastix").write_text("#!/bin/sh\n"
                                        f"[ $1 = --version ] && exec {shutil.which('elastix')} --version\n"
                                        "echo 'ERROR: the images are too far apart'\nexit 1\n")
        (broken / "elastix").chmod(0o755)
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{broken}:{path}"
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        completed = self.run_runner(*self.study("r.sqlite"), ranks=2)
        self.assertEqual(completed.returncode, 1)
        states = dict(self.query("r.sqlite", "select variant.name, state from trial join variant on variant.id = variant_id"))
        self.assertEqual(states, {"majority": "failed", "joint": "failed", "net": "finished"})
        for error, in self.query("r.sqlite", "select error from trial where state = 'failed'"):
            self.assertRegex(error, r"registration of atlas phantom-\d+ to phantom-\d+: elastix failed \(status 1\): "
                                    "ERROR: the images are too far apart")
        self.assertEqual(self.registrations(), [])

    def test_atlases_that_can_not_be_used_end_their_trials_and_the_grid_goes_on(self):
        """One atlas without an automatic label, as all it has shrinks to nothing; targets on another grid than the atlases."""
        heads = self.folder / "heads"
        heads.mkdir()
        labels = numpy.zeros((32, 32, 32), numpy.int32)
        for n in range(27):
            labels[4 + n % 3 * 8:10 + n % 3 * 8, 4 + n // 3 % 3 * 8:10 + n // 3 % 3 * 8, 4 + n // 9 * 8:10 + n // 9 * 8] = IDS[n]
        affine = numpy.diag([8, 8, 8, 1])
        amygdala = 0 * labels
        amygdala[16, 16, 16] = 18
        for name, voxels in (("anna", labels), ("bert", labels), ("carl", amygdala), ("dora", labels), ("emil", labels)):
            nibabel.save(nibabel.Nifti1Image(voxels, affine), heads / f"{name}.nii.gz")
        self.grid.write_text(f"""\
study: bad
cohorts:
  heads: {{source: labels, labels: {heads}, size: 32, label_bias: {{amygdala_mm: -5}}, split: {{train: 3, validation: 1, test_subjects: emil}}}}
  finer: {{source: labels, labels: {heads}, size: 64, split: {{train: 3, validation: 1, test_subjects: emil}}}}
variants:
  blank: {{method: atlas, atlas: {{fusion: majority}}, stages: {{finetune: {{cohort: heads, labels: automatic}}}}}}
  grids: {{method: atlas, atlas: {{fusion: majority}}, stages: {{finetune: {{cohort: heads, test: finer, train_subjects: 1}}}}}}
  net:   {{model: {{width: 4, depth: 2}}, loss: {{wce: 1}}, stages: {{finetune: {{cohort: heads, epochs: 1, batch: 8}}}}}}
""")
        completed = self.run_runner(*self.study("r.sqlite"), ranks=2)
        self.assertEqual(completed.returncode, 1)
        self.assertTrue((self.folder / "r.sqlite").exists(), completed.stderr)
        ended = {variant: (state, error) for variant, state, error in self.query(
            "r.sqlite", "select variant.name, state, error from trial join variant on variant.id = variant_id")}
        self.assertEqual({v: state for v, (state, _) in ended.items()}, {"blank": "failed", "grids": "failed", "net": "finished"})
        self.assertRegex(ended["blank"][1], r"atlas .*carl\.h5 has no voxel of any structure")
        self.assertRegex(ended["grids"][1], r"grids of .*emil\.h5 and of atlas .*\.h5 have voxels of different sizes")


if __name__ == "__main__":
    unittest.main()
