"""Bad input gives one clear line that names the culprit, and an exit code other than 0; nothing hangs."""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import nibabel
import numpy

from harness import COHORTS, GRID, RUNNER, Case


class BadInput(Case):
    def assert_refused(self, completed, *words):
        self.assertNotEqual(completed.returncode, 0, completed.stdout)
        said = self.errors(completed)
        self.assertEqual(len(said), 1, completed.stderr)
        for word in words:
            self.assertIn(word, said[0])

    def test_typo_in_a_grid(self):
        self.grid.write_text(self.grid.read_text().replace("epochs:", "epoch:"))
        for ranks in (0, 3):
            completed = self.run_runner(*self.study("r.sqlite"), ranks=ranks)
            self.assert_refused(completed, "tiny.yaml:9:", "epoch", "did you mean 'epochs'")
        self.assertFalse((self.folder / "r.sqlite").exists())

    def test_missing_grid(self):
        self.assert_refused(self.run_runner("--grid", "none.yaml", ranks=2), "none.yaml")

    def test_empty_folder_of_labels(self):
        (self.folder / "empty").mkdir()
        self.assert_refused(self.run_runner("prepare", "--labels", "empty", "--output", "out"), "empty")

    def test_nifti_that_is_none(self):
        (self.folder / "labels").mkdir()
        (self.folder / "labels" / "bad.nii.gz").write_bytes(b"this is no volume")
        self.assert_refused(self.run_runner("prepare", "--labels", "labels", "--output", "out"), "bad.nii.gz")

    def test_labels_with_no_known_id(self):
        (self.folder / "labels").mkdir()
        volume = numpy.full((8, 8, 8), 999, numpy.int32)
        nibabel.save(nibabel.Nifti1Image(volume, numpy.eye(4)), self.folder / "labels" / "strange.nii.gz")
        self.assert_refused(self.run_runner("prepare", "--labels", "labels", "--output", "out"), "strange.nii.gz")

    def test_results_path_that_cannot_be_written(self):
        # /proc refuses new files to root as well, whom permissions do not stop.
        arguments = ["--grid", self.grid, "--cohorts", COHORTS, "--results", "/proc/crossfade/r.sqlite"]
        self.assert_refused(self.run_runner(*arguments, ranks=2), "/proc/crossfade")

    def test_results_path_that_is_no_database(self):
        (self.folder / "r.sqlite").write_text("a text, and longer than the header of a database " * 10)
        self.assert_refused(self.run_runner(*self.study("r.sqlite")), "r.sqlite")

    def test_ranks_that_cannot_be_split(self):
        completed = self.run_runner(*self.study("r.sqlite", "--set", "run.ranks_per_trial=2"), ranks=3)
        self.assert_refused(completed, "3 ranks", "run.ranks_per_trial = 2")

    def test_checkpoint_that_is_none(self):
        (self.folder / "best.safetensors").write_bytes(b"\x00" * 20)
        completed = self.run_runner("evaluate", "--checkpoint", "best.safetensors", "--shards", self.folder)
        self.assert_refused(completed, "best.safetensors")

    def test_what_another_process_is_at(self):
        for folder in ("r", "out"):
            (self.folder / folder).mkdir()
        with open(self.folder / "r/lock", "w") as results, open(self.folder / "out/lock", "w") as shards:
            for held in (results, shards):
                fcntl.flock(held, fcntl.LOCK_EX)
            self.assert_refused(self.run_runner(*self.study("r.sqlite"), ranks=2), "r.sqlite is in use by another process")
            self.assert_refused(self.run_runner("prepare", "--subjects", 1, "--size", 32, "--output", "out"),
                                "the folder out is in use by another process")
        self.assertEqual(list(self.folder.glob("out/*.h5")), [])

    def test_unknown_option_is_said_once(self):
        completed = self.run_runner("--gird", "x", ranks=3)
        self.assertNotEqual(completed.returncode, 0)
        self.assertEqual(completed.stderr.count("--gird"), 1, completed.stderr)


class TruncatedShard(Case):
    def broken_cohorts(self, database):
        """A copy of the cohorts in which the subject that fold 0 tests is cut off."""
        cohorts = self.folder / "cohorts"
        shutil.copytree(COHORTS, cohorts, ignore=shutil.ignore_patterns("*.partial"))  # of a test that runs beside this one
        ((hashes,),) = self.query(database, "select data_hash from provenance")
        shard = cohorts / f"phantom-{json.loads(hashes)['phantom']}" / "phantom-004.h5"
        shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
        return cohorts

    def test_on_one_machine_leaves_its_trials_to_the_others(self):
        completed = self.run_runner(*self.study("first.sqlite", "--set", "stages.pretrain.epochs=1", "--only", "sum"))
        self.assertEqual(completed.returncode, 0, completed.stderr)
        broken = self.broken_cohorts("first.sqlite")
        self.grid.write_text(GRID.replace("seeds: [1]", "seeds: [1, 2, 3]"))
        arguments = [RUNNER, "--grid", self.grid, "--results", self.folder / "r.sqlite", "--cohorts"]
        command = ["mpirun", "--oversubscribe", "-n", "1", *arguments, COHORTS, ":", "-n", "1", *arguments, broken]
        completed = subprocess.run(command, cwd=self.folder, text=True, capture_output=True, timeout=300)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(self.query("r.sqlite", "select state, error, count(*) from trial group by 1, 2"), [("finished", "", 6)])
        again = completed.stderr.count("failed on the group of rank 1, is tried once more elsewhere: ")
        self.assertGreater(again, 0, completed.stderr)
        self.assertIn("phantom-004.h5", completed.stderr)
        self.assertEqual(self.query("r.sqlite", "select sum(attempts) from trial"), [(6 + again,)])

    def test_fails_its_trial_by_name_and_the_grid_goes_on(self):
        """Fold 0 tests the truncated subject, so every trial needs it: both fail, each recorded, and the run ends."""
        completed = self.run_runner(*self.study("first.sqlite", "--set", "stages.pretrain.epochs=1"), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        cohorts = self.broken_cohorts("first.sqlite")
        completed = self.run_runner("--grid", self.grid, "--cohorts", cohorts, "--results", "r.sqlite", ranks=2)
        self.assertEqual(completed.returncode, 1, completed.stderr)
        failed = self.query("r.sqlite", "select state, error from trial")
        self.assertEqual(len(failed), 2)
        for state, error in failed:
            self.assertEqual(state, "failed")
            self.assertIn("phantom-004.h5", error)
        self.assertEqual(completed.stderr.count("is tried once more elsewhere"), 2, completed.stderr)
        self.assert_consistent("r.sqlite")


class OutOfMemory(Case):
    def test_of_a_trial_on_two_ranks_names_it_and_is_in_nobodys_way_then(self):
        library, source = self.folder / "no_memory.so", pathlib.Path(__file__).parent / "no_memory.c"
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
        environment = os.environ | {"LD_PRELOAD": str(library), "NO_MEMORY": "1000000"}
        self.grid.write_text(GRID.replace("  sum: ", "  wide: {model: {width: 32}, loss: {wce: 1}}\n  sum: "))
        command = self.command(2, *self.study("r.sqlite", "--set", "run.ranks_per_trial=2", "--set", "run.threads=1"))
        states = "select v.name, t.state, t.error from trial t join variant v on v.id = t.variant_id order by v.position"
        for others in ("pending", "finished"):
            completed = subprocess.run(command, cwd=self.folder, env=environment, text=True, capture_output=True, timeout=300)
            self.assertNotEqual(completed.returncode, 0, completed.stderr)
            self.assertIn("wide (seed 1): ", completed.stderr)
            (wide, *rest) = self.query("r.sqlite", states)
            self.assertEqual(wide[:2], ("wide", "failed"))
            self.assertIn("memory", wide[2])
            self.assertEqual(rest, [("sum", others, ""), ("scheduled", others, "")])


if __name__ == "__main__":
    unittest.main()
