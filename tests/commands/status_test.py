"""`runner status` says from the database alone how far a study is, while it runs and when its writer has died."""

import json
import signal
import sqlite3
import unittest

import studies
from harness import Case


class Status(Case):
    def status(self, *arguments):
        completed = self.run_runner("status", *arguments)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        return completed.stdout

    def write(self, *statements):
        with sqlite3.connect(self.folder / "r.sqlite") as db:
            for statement in statements:
                db.execute(statement)

    def of_made_up(self, *statements):
        """A study of two variants, two seeds, 4 epochs of 4 seconds each (3 of training, 1 of validation)."""
        studies.write(self.folder / "r.sqlite", variants=["a", "b"], seeds=2, epochs=4)
        self.write(*statements)
        return json.loads(self.status("--results", "r.sqlite", "--format", "json")), self.status("--results", "r.sqlite")

    def test_of_a_finished_study(self):
        status, text = self.of_made_up()
        self.assertEqual(status["trials"], {"finished": 4, "running": 0, "interrupted": 0, "failed": 0, "pending": 0})
        self.assertFalse(status["running"])
        self.assertEqual(text, "study made-up: 4 of 4 trials finished\n")

    def test_of_one_that_runs(self):
        status, text = self.of_made_up(
            "update trial set state = 'running' where id = 4", "update trial set state = 'pending' where id = 3",
            "update trial set state = 'failed', error = 'no scan of eve' where id = 2",
            "delete from epoch where stage_id = 4 and epoch > 2", "delete from epoch where stage_id = 3",
            "insert into activity values (1, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'training', 4, 0, 3, 4, 25, 40, 0.25, 51)",
            "insert into activity values (1, 0, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'waiting', null, 0, 0, 0, 0, 0, 0, 0)")
        self.assertTrue(status["running"])
        waiting, training = status["workers"]
        self.assertEqual((waiting["doing"], waiting["trial"]), ("waiting", ""))
        self.assertEqual((training["trial"], training["stage"], training["epoch"], training["epochs"]), ("b (seed 2)", "pretrain", 3, 4))
        self.assertEqual((training["loss"], training["images_per_second"], len(training["dice"])), (0.25, 51, 2))
        self.assertAlmostEqual(training["seconds_left"], 2 * 4, msg="two epochs of 4 seconds")
        self.assertAlmostEqual(status["seconds_left"], (2 * 4 + 4 * 4) / 2, msg="six epochs of two trials, on two groups")
        self.assertEqual(status["failures"], [{"trial": "a (seed 2)", "error": "no scan of eve"}])
        self.assertIn("1 of 4 trials finished, 1 running, 1 failed, 1 to come; about 00:12 left\n", text)
        self.assertIn("▁█", text, "Dice rises")
        self.assertIn("failed:\n  a (seed 2): no scan of eve\n", text)

    def test_a_writer_that_is_silent_for_a_minute_is_taken_for_dead(self):
        for seconds, running in ((50, True), (70, False)):
            with self.subTest(seconds=seconds):
                (self.folder / "r.sqlite").unlink(missing_ok=True)
                status, text = self.of_made_up(
                    "update trial set state = 'running' where id = 4",
                    f"insert into activity values (1, 0, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-{seconds} seconds'), 'training', 4,"
                    " 0, 3, 4, 25, 40, 0.25, 51)")
                self.assertEqual(status["running"], running)
                self.assertEqual("; no sign of life since " + status["last_sign"] in text, not running)

    def test_of_a_real_run_and_of_what_a_kill_leaves(self):
        self.grid.write_text(self.grid.read_text().replace("epochs: 4", "epochs: 400"))
        process = self.start_runner(*self.study("r.sqlite"), ranks=1)
        self.addCleanup(process.stdout.close)
        self.wait_for_epochs("r.sqlite", 3, process)
        status = json.loads(self.status("--results", "r.sqlite", "--format", "json"))
        self.assertTrue(status["running"])
        self.assertEqual(status["workers"][0]["rank"], 0)
        self.assertGreater(status["seconds_left"], 0)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        status = json.loads(self.status("--results", "r.sqlite", "--format", "json"))
        self.assertFalse(status["running"], "it said that it ends")
        self.assertEqual(status["workers"], [])
        self.assertIn("interrupted", self.status("--results", "r.sqlite", "--follow"), "follows nobody who is not there")

    def test_takes_the_latest_of_results(self):
        (self.folder / "results").mkdir()
        completed = self.run_runner("status")
        self.assertEqual(completed.returncode, 2)
        self.assertIn("expected --results FILE.sqlite", completed.stderr)
        studies.write(self.folder / "results/x.sqlite", variants=["a"])
        self.assertIn("study made-up", self.status())


class Help(Case):
    def test_names_the_nearest_to_a_wrong_word(self):
        for words, near in ((["raport"], "raport (did you mean 'report'?)"), (["--gird", "x.yaml"], "--gird (did you mean '--grid'?)"),
                            (["plot", "--result", "r.sqlite"], "--result (did you mean '--results'?)")):
            completed = self.run_runner(*words)
            self.assertEqual(completed.returncode, 2)
            self.assertIn(near, completed.stderr)

    def test_has_every_command_in_a_group_with_an_example(self):
        text = self.run_runner("--help").stdout
        for command in ("keys", "prepare", "status", "report", "plot", "page", "export", "replay", "evaluate", "predict", "score"):
            self.assertIn(f"\n  runner {command} ", text)
        for group in ("Before a grid", "While it runs", "What came out", "Nets and other tools"):
            self.assertIn(f"\n{group}:\n", text)


if __name__ == "__main__":
    unittest.main()
