"""A study whose trials share their beginnings ends as one whose trials train for themselves, and trains less."""

import csv
import hashlib
import os
import re
import signal
import unittest

import kills
from harness import BIASED_COHORT, COHORTS, Case, ranks_of

GRID = """\
study: forest
cohorts:
""" + BIASED_COHORT + """\
defaults:
  seeds: [1]
  model: {name: unet, width: 4, depth: 2, norm: batch}
  optimizer: {lr: 0.01, clip_norm: 1}
  stages:
    pretrain: {cohort: biased, labels: automatic, scans: 1, epochs: 5, batch: 8, augmentation: {rotation: 5}}
variants:
  "0.3 0.6": {loss: &early {wce: {step: {0: 1, 0.6: 0}}, wdice: {step: {0: 0, 0.3: 1}}}}
  "0.3 0.9": {loss: &late {wce: {step: {0: 1, 0.9: 0}}, wdice: {step: {0: 0, 0.3: 1}}}}
  "0.5 0.8": {loss: {wce: {step: {0: 1, 0.8: 0}}, wdice: {step: {0: 0, 0.5: 1}}}}
  w-CE:      {loss: {wce: 1}}
  tuned:
    loss: *early
    stages: {finetune: {cohort: biased, labels: manual, first_scan: 1, epochs: 2, batch: 8}}
  views of early: {loss: *early, views: {axial: 0.5, coronal: 0.5}}
  views of late:  {loss: *late, views: {axial: 0.5, coronal: 0.5}}
"""

# Where each net lies, and what two runs of one training have in common.
NETS = "select v.name, s.position, s.hash from stage s join trial t on t.id = s.trial_id join variant v on v.id = t.variant_id"


class Forest(Case):
    def setUp(self):
        super().setUp()
        self.grid.write_text(GRID)

    def arguments(self, name, ranks_per_trial):
        return ["--grid", self.grid, "--cohorts", COHORTS, "--results", f"{name}.sqlite", "--log-steps", self.folder / f"{name}.csv",
                "--set", f"run.ranks_per_trial={ranks_per_trial}"]

    def run_study(self, name, ranks_per_trial, *more):
        """What it said, and how many steps each trial had in its log."""
        log = self.folder / f"{name}.csv"
        completed = self.run_runner(*self.arguments(name, ranks_per_trial), *more, ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        with open(log, encoding="utf-8") as file:
            return completed.stderr, len(list(csv.DictReader(file)))

    def found(self, name):
        return {table: sorted(map(repr, self.query(f"{name}.sqlite", sql))) for table, sql in kills.TABLES.items()}

    def nets(self, name):
        """Digest of the best net of each trial's stages and planes. With --no-share others lie in folders of the trial's own."""
        rows = sorted(self.query(f"{name}.sqlite", NETS))
        last = {variant: identity for variant, _, identity in rows}
        files = {}
        for variant, position, identity in rows:
            if name.startswith("alone") and identity != last[variant]:
                identity = hashlib.sha256(f"alone\n{last[variant]}\n{identity}".encode()).hexdigest()
            files[variant, position] = self.folder / name / "checkpoints" / identity[:16] / "best.safetensors"
        return {net: kills.net_digest(file) for net, file in files.items() if file.exists()}  # a vote has none

    def test_is_the_same_to_the_bit_and_trains_less(self):
        for ranks_per_trial in (1, 2):
            with self.subTest(ranks_per_trial=ranks_per_trial):
                shared, alone = f"shared{ranks_per_trial}", f"alone{ranks_per_trial}"
                said, steps = self.run_study(shared, ranks_per_trial)
                planned = re.search(r"shared beginnings: (\d+) of (\d+) steps", said)
                self.assertIsNotNone(planned, said)
                said, steps_alone = self.run_study(alone, ranks_per_trial, "--no-share")
                self.assertNotIn("shared beginnings", said)
                self.assertEqual((steps, steps_alone), tuple(map(int, planned.groups())))
                for table, rows in self.found(alone).items():
                    self.assertEqual(self.found(shared)[table], rows, table)
                self.assertEqual(self.nets(shared), self.nets(alone))
                self.assertEqual(len(self.nets(alone)), 4 + 2 + 2 * 2, "one each, two stages, two planes of two")
                self.assertEqual(list((self.folder / shared).glob("**/branch.safetensors")), [], "nobody needs them any more")

                seconds = "select sum(seconds_train + seconds_validate), sum(seconds_shared) from epoch"
                spent, others = self.query(f"{shared}.sqlite", seconds)[0]
                self.assertGreater(others, 0)
                self.assertLess(others, spent)
                self.assertEqual(self.query(f"{alone}.sqlite", seconds)[0][1], 0)

    def test_with_patience_and_a_kill_on_the_way_it_is_the_same(self):
        self.grid.write_text(GRID.replace("epochs: 5, batch: 8, augmentation", "epochs: 5, batch: 8, patience: 1, augmentation")
                             + "  without patience: {loss: *late, stages: {pretrain: {patience: 0}}}\n")
        for ranks_per_trial in (1, 2):
            with self.subTest(ranks_per_trial=ranks_per_trial):
                killed, alone = f"killed{ranks_per_trial}", f"alone{ranks_per_trial}"
                process = self.start_runner(*self.arguments(killed, ranks_per_trial), ranks=2)
                self.wait_for_epochs(f"{killed}.sqlite", 8, process)
                for rank in ranks_of(process):
                    os.kill(rank, signal.SIGKILL)
                process.communicate(timeout=60)
                self.run_study(killed, ranks_per_trial)
                self.run_study(alone, ranks_per_trial, "--no-share")
                for table, rows in self.found(alone).items():
                    self.assertEqual(self.found(killed)[table], rows, table)
                self.assertEqual(self.nets(killed), self.nets(alone))
                ended = self.query(f"{alone}.sqlite", """select count(*) from stage s where s.plane = 'axial' and s.position = 0
                    and (select count(*) from epoch e where e.stage_id = s.id) < s.epochs""")
                self.assertGreater(ended[0][0], 0, "no patience ran out")

    def test_goes_on_with_trials_that_join_later(self):
        self.run_study("r", 1, "--only", "0.3 0.6 (", "--only", "w-CE")
        branches = list((self.folder / "r").glob("**/branch.safetensors"))
        self.assertGreater(len(branches), 0, "for those that are not finished")
        before = len((self.folder / "r.csv").read_text().splitlines())
        self.run_study("r", 1)
        _, alone = self.run_study("alone", 1, "--no-share")
        after = len((self.folder / "r.csv").read_text().splitlines())
        self.assertLess(after - 1, alone)
        self.assertGreater(after, before)
        for table, rows in self.found("alone").items():
            self.assertEqual(self.found("r")[table], rows, table)

    def test_without_room_for_branches_it_is_the_same_and_says_so_once(self):
        said, steps = self.run_study("full", 1, "--set", "run.branches_gb=1e-6")
        self.assertEqual(said.count("run.branches_gb is full"), 1, said)
        _, steps_alone = self.run_study("alone", 1, "--no-share")
        self.assertLess(steps, steps_alone, "the pre-training that is fine-tuned is no branch")
        for table, rows in self.found("alone").items():
            self.assertEqual(self.found("full")[table], rows, table)

    def test_is_printed_before_it_is_trained(self):
        completed = self.run_runner("--grid", self.grid, "--dry-run")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        # By hand: alone 7 axial nets and 2 coronal ones of 5 epochs, and a fine-tuning of 2. Shared, axial: 1.5 of all, then 1.5 of
        # those that have w-Dice from 0.3, and 2 of either kind; 1 of the other two, and 2.5 of each. Coronal: 3, and 2 of each.
        self.assertIn("shared beginnings save 53 % of all epochs: 22 of 47 are trained", completed.stdout)
        self.assertIn("pretrain, epochs 0 to 1.5: 7 trials, 0.3 0.6 (seed 1) and others", completed.stdout)
        self.assertIn("pretrain (coronal), epochs 0 to 3: 2 trials", completed.stdout)
        self.assertNotIn("shared beginnings", self.run_runner("--grid", self.grid, "--dry-run", "--no-share").stdout)


if __name__ == "__main__":
    unittest.main()
