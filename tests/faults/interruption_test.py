"""A run that is interrupted or killed leaves a whole database, and goes on to the very numbers it would have had."""

import os
import shlex
import signal
import subprocess
import time
import unittest

from harness import REPOSITORY, RUNNER, Case, ranks_of

FIGURES = "select variant, seed, epoch, dice, loss from figure1 order by 1, 2, 3"
SCORES = "select variant, subject, structure, dice from figure2 order by 1, 2, 3"


class Interruption(Case):
    def uninterrupted(self, ranks, *more):
        completed = self.run_runner(*self.study("whole.sqlite", *more), ranks=ranks)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        return self.query("whole.sqlite", FIGURES), self.query("whole.sqlite", SCORES)

    def assert_goes_on_to(self, expected, ranks, *more):
        self.assert_consistent("r.sqlite")
        completed = self.run_runner(*self.study("r.sqlite", *more), ranks=ranks)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual((self.query("r.sqlite", FIGURES), self.query("r.sqlite", SCORES)), expected)
        self.assertEqual(self.query("r.sqlite", "select distinct state from trial"), [("finished",)])

    def interrupt(self, ranks, strike, *more):
        process = self.start_runner(*self.study("r.sqlite", *more), ranks=ranks)
        self.wait_for_epochs("r.sqlite", 1, process)
        strike(process)
        output, _ = process.communicate(timeout=120)
        self.assertNotEqual(process.returncode, 0, output)

    def test_sigterm_with_trials_side_by_side(self):
        expected = self.uninterrupted(2)
        self.interrupt(2, lambda process: process.terminate())
        self.assert_goes_on_to(expected, 2)

    def test_sigusr1_which_mpirun_hands_on_is_answered_by_what_the_ranks_say(self):
        expected = self.uninterrupted(2)
        process = self.start_runner(*self.study("r.sqlite"), ranks=2)
        self.wait_for_epochs("r.sqlite", 1, process)
        process.send_signal(signal.SIGUSR1)
        output, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 75, output)
        self.assertIn("interrupted; the same command goes on from here", output)
        self.assert_goes_on_to(expected, 2)

    def test_the_job_of_the_docs_asks_to_be_started_again(self):
        """The script of docs/commands.md, with a queueing system's signal and a scontrol that writes down what it is asked."""
        expected = self.uninterrupted(2)
        text = (REPOSITORY / "docs/commands.md").read_text().split("```bash\n")[1].split("```")[0]
        for written, here in ((". share/crossfade/", f". '{REPOSITORY}'/scripts/"),
                              ("mpirun runner --grid mine.yaml", shlex.join(map(str, self.command(2, *self.study("r.sqlite")))))):
            self.assertEqual(text.count(written), 1, text)
            text = text.replace(written, here)
        (self.folder / "job").write_text(text)
        scontrol = self.folder / "bin/scontrol"
        scontrol.parent.mkdir()
        scontrol.write_text('#!/bin/sh\necho "$@" >> asked\n')
        scontrol.chmod(0o755)
        environment = os.environ | {"PATH": f"{scontrol.parent}:{os.environ['PATH']}", "SLURM_JOB_ID": "17"}
        job = subprocess.Popen(["bash", "job"], cwd=self.folder, env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        self.wait_for_epochs("r.sqlite", 1, job)
        job.send_signal(signal.SIGUSR1)
        self.assertEqual(job.wait(timeout=120), 75)
        self.assertEqual((self.folder / "asked").read_text(), "requeue 17\n")
        self.assert_goes_on_to(expected, 2)

    def test_ctrl_c_with_a_trial_on_three_ranks(self):
        together = ["--set", "run.ranks_per_trial=3"]
        expected = self.uninterrupted(3, *together)
        self.interrupt(3, lambda process: process.send_signal(signal.SIGINT), *together)
        self.assert_goes_on_to(expected, 3, *together)

    def test_a_killed_rank_ends_all_ranks(self):
        expected = self.uninterrupted(2)

        def kill_last_rank(process):
            ranks = ranks_of(process)
            os.kill(max(ranks), signal.SIGKILL)
            deadline = time.monotonic() + 60
            while any(os.path.exists(f"/proc/{pid}") for pid in ranks) and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertEqual([pid for pid in ranks if os.path.exists(f"/proc/{pid}")], [])

        self.interrupt(2, kill_last_rank)
        self.assert_goes_on_to(expected, 2)

    def test_a_finished_grid_is_not_run_again(self):
        self.uninterrupted(2)
        before = self.query("whole.sqlite", "select id, attempts from trial")
        completed = self.run_runner(*self.study("whole.sqlite"), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("0 to run", completed.stderr)
        self.assertEqual(self.query("whole.sqlite", "select id, attempts from trial"), before)

    def test_what_a_killed_run_left_half_written_is_removed(self):
        self.uninterrupted(1)
        kept, = self.query("whole.sqlite", "select hash from stage limit 1")[0]
        left = [self.folder / "whole" / name for name in ("figure1.png.0123456789abcdef.partial", "study.html.0123456789abcdef.partial",
                f"checkpoints/{kept}/last.safetensors.0123456789abcdef.partial", f"pictures/{kept}/a.svg.0123456789abcdef.partial")]
        for file in left:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"half")
        own = self.folder / "whole/notes.partial"
        own.write_bytes(b"a person's")
        self.assertEqual(self.run_runner(*self.study("whole.sqlite")).returncode, 0)
        self.assertEqual([file for file in left if file.exists()], [])
        self.assertTrue(own.exists())


class OutOfMemory(Case):
    def test_on_one_rank_of_a_group_ends_all_ranks(self):
        """A net of 31 million parameters on two ranks, the second of which may take 64 MiB more than a small one needs."""
        process = self.start_runner(*self.study("small.sqlite"), ranks=2)
        self.wait_for_epochs("small.sqlite", 1, process)
        peaks = [int(line.split()[1]) for pid in ranks_of(process) for line in open(f"/proc/{pid}/status")
                 if line.startswith("VmPeak")]  # KiB
        self.assertEqual(process.wait(timeout=120), 0)

        run = [RUNNER, *map(str, self.study("r.sqlite", "--set", "run.ranks_per_trial=2",
                                            "--set", "model.width=64", "--set", "model.depth=4"))]
        limited = ["prlimit", f"--as={(max(peaks) + 64 * 1024) * 1024}", *run]
        completed = subprocess.run(["mpirun", "--oversubscribe", "-n", "1", *run, ":", "-n", "1", *limited],
                                   cwd=self.folder, text=True, capture_output=True, timeout=120)
        self.assertNotEqual(completed.returncode, 0)
        said = self.errors(completed)
        self.assertEqual(len(said), 1, completed.stderr)
        self.assertIn("error: rank 1 on ", said[0])
        self.assert_consistent("r.sqlite")


class Divergence(Case):
    def test_a_loss_that_is_not_finite_is_a_result(self):
        """Steps of 1e8 without clipping blow the net up: finished, not converged, and the other trial runs."""
        self.grid.write_text(self.grid.read_text().replace("clip_norm: 1", "clip_norm: 0").replace(
            "  sum:       {loss: {wce: 1, wdice: 1}}",
            "  sum:       {loss: {wce: 1e6, wdice: 1e6}, model: {norm: none}, optimizer: {lr: 100}}"))
        completed = self.run_runner(*self.study("r.sqlite"), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        rows = dict(self.query("r.sqlite", "select variant, converged from table1"))
        self.assertEqual(rows["sum"], 0)
        stopped = self.query("r.sqlite", "select s.stopped from stage s join trial t on t.id = s.trial_id"
                                         " join variant v on v.id = t.variant_id where v.name = 'sum'")
        self.assertRegex(stopped[0][0], "not finite at step [0-9]+")
        self.assertIn("did not converge", completed.stdout)


if __name__ == "__main__":
    unittest.main()
