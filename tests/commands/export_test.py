"""What is exported is what the database says: TensorBoard's own reader opens its files, pandas the tables."""

import json
import math
import pathlib
import sqlite3
import unittest

import pandas
import studies
from harness import Case
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

CONFIG = {"model": {"name": "unet", "width": 16}, "optimizer": {"lr": 2e-3}, "loss": {"wce": 1}, "tested": True, "views": ["axial"],
          "stages": [{"name": "pretrain", "batch": 8, "loss": {"wce": 1}}]}


class Export(Case):
    def setUp(self):
        super().setUp()
        studies.write(self.folder / "r.sqlite", variants=["low/<x>", "low_<x>", "high"], seeds=2, epochs=3)
        with sqlite3.connect(self.folder / "r.sqlite") as db:
            db.execute("update trial set config = ?", [json.dumps(CONFIG)])
            db.execute("update epoch set loss = null where id = 2")

    def export(self, what):
        completed = self.run_runner("export", what, "--results", "r.sqlite", "--output", "out")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        return completed.stdout.splitlines()

    def test_tensorboard_reads_every_scalar(self):
        folders = self.export("tensorboard")
        self.assertEqual([pathlib.Path(folder).name for folder in folders],
                         ["low__x_, seed 1", "low__x_, seed 2", "low__x_, seed 1_", "low__x_, seed 2_", "high, seed 1", "high, seed 2"])
        for trial, folder in enumerate(folders, 1):
            read = EventAccumulator(str(self.folder / folder))
            read.Reload()
            for tag, sql in {"dice/validation": "select epoch, dice_mean from epoch where stage_id = {0} order by epoch",
                             "loss": "select epoch, loss from epoch where stage_id = {0} and loss is not null order by epoch",
                             "learning_rate": "select epoch, learning_rate from epoch where stage_id = {0} order by epoch",
                             "images_per_second": "select epoch, images / seconds_train from epoch where stage_id = {0} order by epoch",
                             "weight/wdice": "select epoch, weight from epoch join epoch_term on epoch_id = id where stage_id = {0} and term = 'wdice' order by epoch",
                             "value/wce": "select epoch, value from epoch join epoch_term on epoch_id = id where stage_id = {0} and term = 'wce' order by epoch",
                             "dice/B": "select epoch, dice from epoch join dice on epoch_id = id where stage_id = {0} and structure_id = 2 order by epoch",
                             "dice/test": "select 3, avg(value) from subject_score where stage_id = {0} and metric = 'dice'"}.items():
                expected = self.query("r.sqlite", sql.format(trial))
                found = [(event.step, event.value) for event in read.Scalars(tag)]
                self.assertEqual([step for step, _ in found], [step for step, _ in expected], tag)
                for (_, value), (_, by_hand) in zip(found, expected):
                    self.assertTrue(math.isclose(value, by_hand, rel_tol=1e-6), (tag, value, by_hand))  # stored as float32
            recorded = self.query("r.sqlite", f"select strftime('%s', recorded) from epoch where stage_id = {trial}")[0][0]
            self.assertAlmostEqual(read.Scalars("loss")[0].wall_time, float(recorded), delta=2)

    def test_tensorboard_reads_the_hyperparameters(self):
        folder = self.export("tensorboard")[-1]
        read = EventAccumulator(str(self.folder / folder))
        read.Reload()
        content = read.summary_metadata
        data = {tag: plugin_data_pb2.HParamsPluginData.FromString(content[tag].plugin_data.content) for tag in content if tag.startswith("_hparams_/")}
        self.assertEqual(set(data), {"_hparams_/experiment", "_hparams_/session_start_info", "_hparams_/session_end_info"})
        values = {name: getattr(value, value.WhichOneof("kind")) for name, value in data["_hparams_/session_start_info"].session_start_info.hparams.items()}
        self.assertEqual(values, {"model.name": "unet", "model.width": 16, "optimizer.lr": 2e-3, "tested": True, "views": '["axial"]',
                                  "stages.pretrain.name": "pretrain", "stages.pretrain.batch": 8, "variant": "high",
                                  "net": "U-Net (width 16)", "loss": "Fixed (w-CE)", "seed": 2, "fold": 0})
        experiment = data["_hparams_/experiment"].experiment
        self.assertEqual([metric.name.tag for metric in experiment.metric_infos], ["dice/test", "dice/validation"])
        self.assertEqual({info.name for info in experiment.hparam_infos}, set(values))

    def test_csv_is_tidy(self):
        self.assertEqual([pathlib.Path(file).name for file in self.export("csv")], ["epochs.csv", "terms.csv", "scores.csv"])
        epochs, terms, scores = (pandas.read_csv(self.folder / "out" / f"{name}.csv") for name in ("epochs", "terms", "scores"))
        self.assertEqual((len(epochs), len(terms)), (6 * 3, 6 * 3 * 2))
        self.assertEqual(len(scores), 6 * 3 * 2 * 4, "trials, subjects, structures, metrics")
        self.assertEqual(list(epochs.columns[:7]), ["variant", "seed", "fold", "stage", "epoch", "dice", "loss"])
        self.assertEqual(epochs["loss"].isna().sum(), 1)
        expected = dict(self.query("r.sqlite", "select variant, avg(dice) from figure2 group by 1"))
        found = scores[scores["metric"] == "dice"].groupby("variant")["value"].mean()
        for variant, dice in expected.items():
            self.assertAlmostEqual(found[variant], dice, places=12)

    def test_says_what_it_lacks(self):
        with sqlite3.connect(self.folder / "r.sqlite") as db:
            db.execute("delete from epoch")
        completed = self.run_runner("export", "tensorboard", "--results", "r.sqlite", "--output", "out")
        self.assertEqual(completed.returncode, 2)
        self.assertIn("has no epoch to export yet", completed.stderr)
        (self.folder / "file").touch()
        completed = self.run_runner("export", "csv", "--results", "r.sqlite", "--output", "file/out")
        self.assertEqual(completed.returncode, 2)
        self.assertIn("file", completed.stderr)


if __name__ == "__main__":
    unittest.main()
