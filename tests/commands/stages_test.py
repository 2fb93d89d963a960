"""Pre-training on automatic labels and fine-tuning on manual ones, by the real binary: stages, shared checkpoints, both columns."""

import json
import pathlib
import unittest

from harness import BIASED_COHORT, COHORTS, Case

STAGES = """\
study: stages
cohorts:
""" + BIASED_COHORT + """\
defaults:
  seeds: [1]
  model: {name: unet, width: 4, depth: 2, norm: batch}
  optimizer: {name: sgd, lr: 0.05, clip_norm: 1}
  loss: {wce: {step: {0: 1, 0.5: 0}}, wdice: {step: {0: 0, 0.5: 1}}}
  stages:
    pretrain: {cohort: biased, labels: automatic, scans: 1, epochs: 2, batch: 8}
    finetune: {cohort: biased, labels: manual, train_subjects: 1, first_scan: 1, epochs: 2, batch: 8, optimizer: {lr: 0.01}}
variants:
  tuned:         {}
  tuned control: {stages: {finetune: {labels: automatic}}}
  quicknat:      {model: {name: quicknat, kernel: 3}, loss: {wce_boundary: 1, dice: 1}}
  three views:   {views: {axial: 0.4, coronal: 0.4, sagittal: 0.2}}
claims:
  manual labels help: {better: tuned, than: tuned control, column: finetuned}
"""


class Stages(Case):
    def setUp(self):
        super().setUp()
        self.grid.write_text(STAGES)

    def test_fill_both_columns_and_train_a_shared_stage_once(self):
        completed = self.run_runner("--grid", self.grid, "--cohorts", COHORTS, "--results", "r.sqlite", ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("manual labels help", completed.stdout)
        left = {path.name for path in (self.folder / "r").iterdir()}
        for table in ("table1", "structures", "claims"):
            self.assertLessEqual({f"{table}.{ending}" for ending in ("txt", "md", "csv", "json", "tex")}, left)
        for figure in ("figure1", "figure2"):
            self.assertLessEqual({f"{figure}.{ending}" for ending in ("svg", "png", "pdf", "csv")}, left)
        rows = self.query("r.sqlite", "select variant, pretrained_dice, finetuned_dice, trials from table1")
        self.assertEqual([row[0] for row in rows], ["tuned", "tuned control", "quicknat", "three views"])
        for row in rows:
            self.assertNotIn(None, row)
        self.assertEqual(rows[0][1], rows[1][1], "one pre-trained net")

        epochs = "select epoch, dice, loss, seconds from figure1 where stage = 'pretrain' and variant = ? and plane = 'axial' order by epoch"
        ours = [self.query("r.sqlite", epochs.replace("?", f"'{name}'")) for name in ("tuned", "tuned control", "three views")]
        self.assertEqual(len(ours[0]), 2)
        for others in ours[1:]:
            self.assertEqual(ours[0], others, "to the seconds: it was trained once")
        tuned, control = (self.query("r.sqlite", f"select loss from figure1 where stage = 'finetune' and variant = '{name}'")
                          for name in ("tuned", "tuned control"))
        self.assertNotEqual(tuned, control, "on other labels")
        self.assertEqual(len(list((self.folder / "r" / "checkpoints").glob("*/best.safetensors"))), 9, "two nets, their control, QuickNAT's two, two of each other plane")
        terms = self.query("r.sqlite", "select distinct term from epoch_term as t join epoch as e on e.id = t.epoch_id"
                                       " join stage as s on s.id = e.stage_id join trial on trial.id = s.trial_id"
                                       " join variant as v on v.id = trial.variant_id"
                                       " where s.name = 'finetune' and v.name <> 'quicknat'")
        self.assertEqual(terms, [("wdice",)], "what the schedule ended with")
        metrics = self.query("r.sqlite", "select metric, count(*) from subject_score where part = 'test' group by metric")
        self.assertEqual(metrics, [(name, (6 + 8) * 27) for name in ("dice", "hd95_mm", "nsd", "volume_difference")])

        planes = self.query("r.sqlite", "select group_concat(s.plane || ' ' || s.name) from (select * from stage order by position) as s"
                                        " join trial as t on t.id = s.trial_id join variant as v on v.id = t.variant_id"
                                        " where v.name = 'three views'")
        self.assertEqual(planes, [(",".join(f"{plane} {stage}" for plane in ("axial", "coronal", "sagittal", "all")
                                            for stage in ("pretrain", "finetune")),)])
        self.assertIn("3 views", self.query("r.sqlite", "select model from table1 where variant = 'three views'")[0][0])
        figures = self.query("r.sqlite", "select count(*), count(distinct stage) from figure2 where variant = 'three views'")
        self.assertEqual(figures, [(2 * 27, 2)], "of the vote alone")

        self.assert_votes_again()
        scores = "select v.name, s.name, plane, part, subject, structure_id, metric, value from subject_score as c join stage as s on s.id = c.stage_id" \
                 " join trial as t on t.id = s.trial_id join variant as v on v.id = t.variant_id order by 1, 2, 3, 4, 5, 6, 7"
        curves = "select variant, plane, stage, epoch, dice, loss, seconds, state from figure1 order by 1, 2, 3, 4"
        before, drawn = self.query("r.sqlite", scores), self.query("r.sqlite", curves)
        (self.folder / "r.sqlite").rename(self.folder / "elsewhere.sqlite")
        completed = self.run_runner("--grid", self.grid, "--cohorts", COHORTS, "--results", "r.sqlite", ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(self.query("r.sqlite", scores), before, "from the checkpoints alone")
        self.assertEqual(self.query("r.sqlite", curves), drawn)

        completed = self.run_runner("report", "structures", "--results", "r.sqlite", "--format", "json")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(json.loads(completed.stdout)["variant"], "tuned")
        completed = self.run_runner("plot", "figure2", "--results", "r.sqlite", "--variant", "quicknat")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("Left-Amygdala", (self.folder / "figure2.svg").read_text())

    def assert_votes_again(self):
        """`runner evaluate` of the three nets gives the figures that the trial stored, and says so where they can't vote."""
        nets = self.query("r.sqlite", "select s.plane, s.hash from stage as s join trial as t on t.id = s.trial_id join variant as v"
                                      " on v.id = t.variant_id where v.name = 'three views' and s.name = 'finetune' and s.plane <> 'all'"
                                      " order by s.position")
        self.assertEqual([plane for plane, _ in nets], ["axial", "coronal", "sagittal"])
        subject = self.query("r.sqlite", "select distinct subject from subject_score where part = 'test'")[0][0]
        axial = next(p for p in pathlib.Path(COHORTS).glob("biased-*") if not p.name.endswith(("-coronal", "-sagittal")))
        files = {plane: self.folder / "r" / "checkpoints" / identity[:16] / "best.safetensors" for plane, identity in nets}
        folders = {plane: axial if plane == "axial" else f"{axial}-{plane}" for plane, _ in nets}

        def evaluate(planes, *more):
            return self.run_runner("evaluate", "--checkpoint", *(files[p] for p in planes), "--shards", *(folders[p] for p in planes),
                                   "--subjects", subject, "--format", "json", *more, ranks=2)

        completed = evaluate(files, "--weights", 0.4, 0.4, 0.2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        stored = dict(self.query("r.sqlite", "select structure, dice from figure2 where variant = 'three views' and stage = 'finetune'"))
        self.assertEqual(json.loads(completed.stdout)["subjects"][0]["dice"], stored)
        completed = evaluate(files, "--weights", 0.4, 0.4, 0.2, "--predictions", "out")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertTrue((self.folder / "out" / f"{subject}.nii.gz").exists())
        self.assertIn("the axial ones first", evaluate(["coronal", "axial"]).stderr)
        self.assertIn("2 weights for 3 checkpoints, expected one for each", evaluate(files, "--weights", 1, 1).stderr)

    def test_interrupted_in_any_stage_or_plane_goes_on_to_the_same_figures(self):
        arguments = ["--grid", self.grid, "--cohorts", COHORTS]
        completed = self.run_runner(*arguments, "--results", "whole.sqlite", ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        figures = "select variant, plane, stage, epoch, dice, loss from figure1 order by 1, 2, 3, 4"
        scores = "select variant, stage, subject, structure, dice from figure2 order by 1, 2, 3, 4"
        for epochs in (1, 5, 15):
            process = self.start_runner(*arguments, "--results", self.folder / f"r{epochs}.sqlite", ranks=2)
            self.wait_for_epochs(f"r{epochs}.sqlite", epochs, process)
            process.terminate()
            process.communicate(timeout=120)
            completed = self.run_runner(*arguments, "--results", f"r{epochs}.sqlite", ranks=2)
            self.assertEqual(completed.returncode, 0, completed.stderr)
            for query in (figures, scores):
                self.assertEqual(self.query(f"r{epochs}.sqlite", query), self.query("whole.sqlite", query))


if __name__ == "__main__":
    unittest.main()
