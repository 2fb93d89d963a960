"""Runs the real `runner` under a real mpirun on a grid small enough for a test."""

import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

RUNNER = os.environ["CROSSFADE_RUNNER"]
COHORTS = os.environ["CROSSFADE_TEST_COHORTS"]  # shared by the tests: a cohort is prepared once
REPOSITORY = pathlib.Path(__file__).resolve().parents[1]

GRID = """\
study: tiny
cohorts:
  phantom: {source: phantom, subjects: 4, size: 32, seed: 7, split: {train: 2, validation: 1, test: 1}}
defaults:
  seeds: [1]
  model: {name: unet, width: 4, depth: 2, norm: batch}
  optimizer: {name: sgd, lr: 0.05, clip_norm: 1}
  stages:
    pretrain: {cohort: phantom, epochs: 4, batch: 8}
variants:
  sum:       {loss: {wce: 1, wdice: 1}}
  scheduled: {loss: {wce: {step: {0: 1, 0.5: 0}}, wdice: {step: {0: 0, 0.5: 1}}}}
"""

# Of a grid: a phantom whose automatic labels are biased, with a scan for either stage.
BIASED_COHORT = """\
  biased:
    {source: phantom, subjects: 4, size: 32, seed: 7, scans_per_subject: 2, split: {train: 2, validation: 1, test: 1},
     label_bias: {pallidum_mm: 2, amygdala_mm: -2, ventricles_mm: 2}}
"""


def ranks_of(mpirun):
    """Process ids of the runner's ranks; of an mpirun that has not started any yet, none."""
    listed = subprocess.run(["pgrep", "-P", str(mpirun.pid)], text=True, capture_output=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.grid = self.folder / "tiny.yaml"
        self.grid.write_text(GRID)

    def command(self, ranks, *arguments):
        launcher = ["mpirun", "-n", str(ranks), "--oversubscribe"] if ranks else []
        return [*launcher, RUNNER, *map(str, arguments)]

    def run_runner(self, *arguments, ranks=0):
        return subprocess.run(self.command(ranks, *arguments), cwd=self.folder, text=True, capture_output=True, timeout=300)

    def start_runner(self, *arguments, ranks):
        return subprocess.Popen(self.command(ranks, *arguments), cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def study(self, results, *more):
        """Arguments that run the tiny grid into a database."""
        return ["--grid", self.grid, "--cohorts", COHORTS, "--results", self.folder / results, *more]

    def query(self, results, sql):
        with sqlite3.connect(self.folder / results) as database:
            return database.execute(sql).fetchall()

    def assert_consistent(self, results):
        self.assertEqual(self.query(results, "pragma integrity_check"), [("ok",)])
        self.assertEqual(self.query(results, "pragma foreign_key_check"), [])

    def wait_for_epochs(self, results, count, process):
        """Until so many epochs are in the database; fails when the process ends first."""
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline:
            self.assertIsNone(process.poll(), "the run ended before it was interrupted")
            try:
                if self.query(results, "select count(*) from epoch")[0][0] >= count:
                    return
            except sqlite3.OperationalError:
                pass  # not there yet
            time.sleep(0.02)
        process.kill()
        self.fail("no epoch was stored in time")

    def errors(self, completed):
        """What the runner itself said on standard error, without mpirun's own words."""
        return [line for line in completed.stderr.splitlines() if "error:" in line]
