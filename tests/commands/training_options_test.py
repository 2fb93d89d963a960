"""What --grid takes beside the grid, with the real binary: a precision, a log of steps, CUDA graphs, a profile."""

import csv
import io
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from harness import COHORTS, GRID, Case


class Precision(Case):
    def test_bf16_trains_and_predicts_where_it_is_computed_and_is_refused_elsewhere(self):
        completed = self.run_runner(*self.study("r.sqlite", "--set", "precision=bf16"), ranks=2)
        flags = set(pathlib.Path("/proc/cpuinfo").read_text().split())
        if not flags & {"avx512_bf16", "amx_bf16", "bf16"}:
            self.assertEqual(completed.returncode, 2, completed.stderr)
            self.assertIn("has precision bf16, which the processor of", completed.stderr)
            self.assertEqual(self.query("r.sqlite", "select count(*) from epoch"), [(0,)])
            return
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(self.query("r.sqlite", "select distinct json_extract(config, '$.precision') from trial"), [("bf16",)])
        self.assertEqual(self.query("r.sqlite", "select count(*) from variant where model not like '%bf16)'"), [(0,)])
        both = self.run_runner(*self.study("r.sqlite"), ranks=2)
        self.assertEqual(both.returncode, 0, both.stderr)
        losses = self.query("r.sqlite", """
            select json_extract(t.config, '$.precision'), e.loss from epoch e join stage s on s.id = e.stage_id
            join trial t on t.id = s.trial_id order by t.variant_id, t.id, s.position, e.epoch""")
        by_precision = {name: [loss for precision, loss in losses if precision == name] for name in ("fp32", "bf16")}
        self.assertEqual(len(by_precision["fp32"]), len(by_precision["bf16"]))
        self.assertNotEqual(by_precision["fp32"], by_precision["bf16"])
        for a, b in zip(*by_precision.values()):
            self.assertAlmostEqual(a / b, 1, delta=0.05)  # a few steps of a tiny net, each rounded by 2^-9


class Threads(Case):
    def train(self, *binding):
        """Runs one trial on one rank; what it warned of, and how many threads it says it had."""
        run = self.command(1, *self.study("r.sqlite", "--only", "sum", "--set", "stages.pretrain.epochs=1"))
        completed = subprocess.run([run[0], *binding, *run[1:]], cwd=self.folder, text=True, capture_output=True, timeout=300)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        (devices,), = self.query("r.sqlite", "select devices from provenance order by id desc limit 1")
        return [line for line in completed.stderr.splitlines() if "mpirun binds" in line], int(devices.split("thread")[0].split()[-1])

    def test_are_as_many_as_there_are_cores_to_run_on(self):
        cores = len(os.sched_getaffinity(0))
        self.assertEqual(self.train("--bind-to", "none"), ([], cores))
        said, threads = self.train("--bind-to", "core")
        self.assertLessEqual(threads, 2)  # of a core, as many as it has hardware threads
        if threads < cores:
            self.assertEqual(len(said), 1, said)
            self.assertIn(f"where there could be {cores}: expected mpirun --bind-to none", said[0])


class LogSteps(Case):
    HEADER = "trial,stage,plane,step,loss,gradient_norm,learning_rate"

    def train(self, name, *more, ranks):
        """Runs the tiny grid into NAME.sqlite and logs/NAME.csv; the rows of the log."""
        completed = self.run_runner("--grid", self.grid, "--cohorts", COHORTS, "--results", f"{name}.sqlite",
                                    "--log-steps", f"logs/{name}.csv", *more, ranks=ranks)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        text = (self.folder / "logs" / f"{name}.csv").read_text()
        self.assertEqual(text.splitlines()[0], self.HEADER)
        return list(csv.DictReader(io.StringIO(text)))

    def test_groups_log_every_step_of_every_net_and_no_registration(self):
        quick = "{deformable_levels: 2, control_spacing_mm: 40}"
        self.grid.write_text(GRID.replace("  sum:      ", '  "sum, \'2\' \\"views\\"": ').replace(
            "{wce: 1, wdice: 1}}", "{wce: 1, wdice: 1}, views: {axial: 0.6, coronal: 0.4}}") +
            f"  atlases: {{method: atlas, atlas: {{fusion: majority, registration: {quick}}}}}\n")
        rows = self.train("r", "--set", "optimizer.lr_schedule=cosine", ranks=2)
        epochs = self.query("r.sqlite", """
            select v.name || ' (seed ' || t.seed || ')', s.name, s.plane, e.step, e.loss, e.gradient_norm, e.learning_rate
            from epoch e join stage s on s.id = e.stage_id join trial t on t.id = s.trial_id join variant v on v.id = t.variant_id
            order by s.id, e.epoch""")
        self.assertEqual({epoch[0] for epoch in epochs}, {"sum, '2' \"views\" (seed 1)", "scheduled (seed 1)"})
        self.assertEqual(len({epoch[:3] for epoch in epochs}), 3)  # two planes and one
        self.assertEqual(len(epochs), 3 * 4)
        logged = {tuple(row[name] for name in ("trial", "stage", "plane")): [] for row in rows}
        for row in rows:
            logged[row["trial"], row["stage"], row["plane"]].append(row)
        self.assertEqual(set(logged), {epoch[:3] for epoch in epochs})
        begin = 0
        for *net, end, loss, norm, last_rate in epochs:
            begin = begin if begin < end else 0  # another net's first epoch
            steps = logged[tuple(net)][begin:end]
            self.assertEqual([int(row["step"]) for row in steps], list(range(begin + 1, end + 1)))
            for name, stored in (("loss", loss), ("gradient_norm", norm)):
                mean = sum(float(row[name]) for row in steps) / len(steps)
                self.assertAlmostEqual(mean / stored, 1, delta=1e-13, msg=f"{name} of {net}, steps {begin + 1} to {end}")
            self.assertEqual(float(steps[-1]["learning_rate"]), last_rate)
            begin = end
        self.assertEqual(len(rows), sum({epoch[:3]: epoch[3] for epoch in epochs}.values()))

    def test_one_rank_and_two_begin_with_the_same_loss_and_are_set_side_by_side(self):
        alone, together = (self.train(f"it's {ranks}", "--only", "scheduled", "--set", f"run.ranks_per_trial={ranks}", ranks=ranks)
                           for ranks in (1, 2))
        self.assertEqual([row["step"] for row in alone], [row["step"] for row in together])
        self.assertAlmostEqual(float(together[0]["loss"]) / float(alone[0]["loss"]), 1, delta=1e-5)

        script = pathlib.Path(__file__).parents[2] / "scripts" / "one-gradient"

        def compared(*logs):
            files = [file for ranks, log in zip((1, 2), logs, strict=True) for file in (f"it's {ranks}.sqlite", log)]
            return subprocess.run([script, *files], cwd=self.folder, text=True, capture_output=True, check=True).stdout

        printed = compared("logs/it's 1.csv", "logs/it's 2.csv")
        cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line.startswith("│")]
        self.assertEqual([row[0] for row in cells if row[0].isdigit()], [str(step) for step in range(1, 9)])
        for step in range(8):
            for rows, column in ((alone, 1), (together, 2)):
                self.assertEqual(cells[1 + step][column], f"{float(rows[step]['loss']):.9f}")
        apart = [abs(float(a["loss"]) - float(b["loss"])) / float(a["loss"]) for a, b in zip(alone, together)]
        above = [step for step, difference in enumerate(apart, 1) if difference > 1e-3]
        self.assertIn(f"first exceeds 1e-3 at step {above[0]} of {len(alone)} of stage pretrain." if above else
                      f"The losses of all {len(alone)} steps agree to 1e-3", printed)
        ends = [self.query(f"it's {ranks}.sqlite", "select avg(dice) from (select avg(dice) as dice from figure2 group by subject)")[0][0]
                for ranks in (1, 2)]
        self.assertEqual(cells[-1][:4], ["pretrain", *(f"{dice:.4f}" for dice in ends), f"{abs(ends[0] - ends[1]):.4f}"])

        (self.folder / "late.csv").write_text(self.HEADER + "\n")
        self.assertIn("No first steps to compare: late.csv lacks those of 'scheduled (seed 1)'", compared("late.csv", "logs/it's 2.csv"))

    def test_a_study_that_goes_on_appends(self):
        first = self.train("r", "--only", "sum", ranks=1)
        text = (self.folder / "logs" / "r.csv").read_text()
        (self.folder / "logs" / "r.csv").write_text(text + '"half a line')  # as a crash of the machine may leave it
        completed = self.run_runner(*self.study("r.sqlite", "--log-steps", "logs/r.csv"), ranks=1)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        longer = (self.folder / "logs" / "r.csv").read_text()
        self.assertTrue(longer.startswith(text))
        rows = list(csv.DictReader(io.StringIO(longer[len(text):]), fieldnames=self.HEADER.split(",")))
        self.assertEqual([(row["trial"], row["step"]) for row in rows], [("scheduled (seed 1)", row["step"]) for row in first])
        self.assertEqual(self.run_runner(*self.study("r.sqlite", "--log-steps", "logs/r.csv"), ranks=1).returncode, 0)
        self.assertEqual((self.folder / "logs" / "r.csv").read_text(), longer)  # all was finished

    def test_a_file_that_cannot_be_the_log_is_refused_before_anything_starts(self):
        (self.folder / "notes.csv").write_text("mine\n")
        for log, said in (("notes.csv", "is no log of steps: it begins with 'mine'"), (".", "Is a directory"),
                          ("notes.csv/steps.csv", "cannot write notes.csv/steps.csv: Not a directory")):
            completed = self.run_runner(*self.study("r.sqlite", "--log-steps", log), ranks=2)
            self.assertNotEqual(completed.returncode, 0)
            self.assertEqual(len(self.errors(completed)), 1, completed.stderr)
            self.assertIn(said, self.errors(completed)[0])
            self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["notes.csv", "tiny.yaml"])
        self.assertEqual((self.folder / "notes.csv").read_text(), "mine\n")


class CudaGraph(Case):
    def test_is_of_one_rank_and_changes_no_result(self):
        more = ["--set", "stages.pretrain.epochs=1", "--set", "run.cuda_graph=true"]
        completed = self.run_runner(*self.study("two.sqlite", *more, "--set", "run.ranks_per_trial=2"), ranks=2)
        self.assertNotEqual(completed.returncode, 0)
        self.assertEqual(completed.stderr.count("run.cuda_graph records the step of one rank"), 1, completed.stderr)
        found = []
        for name, options in (("with", more), ("without", more[:2])):
            completed = self.run_runner(*self.study(f"{name}.sqlite", *options))
            self.assertEqual(completed.returncode, 0, completed.stderr)
            found.append(self.query(f"{name}.sqlite", "select loss, gradient_norm, dice_mean from epoch order by id"))
        self.assertEqual(*found)
        self.assertTrue(found[0])


class Profile(Case):
    NAMES = ("data", "forward", "loss", "backward", "optimiser")

    def ranges(self, file):
        """The ranges of a trace by name: their begin, end and thread."""
        found = {}
        for event in json.loads((self.folder / file).read_text())["traceEvents"]:
            if event.get("cat") == "user_annotation":
                found.setdefault(event["name"], []).append((event["ts"], event["ts"] + event["dur"], event["tid"]))
        return {name: sorted(of) for name, of in found.items()}

    def losses(self, results):
        return self.query(results, "select stage_id, epoch, loss, gradient_norm, dice_mean from epoch order by 1, 2")

    def test_a_trace_has_five_steps_with_their_parts_and_changes_no_result(self):
        for ranks in (1, 2):
            more = ["--set", f"run.ranks_per_trial={ranks}", "--set", "stages.pretrain.batch=1",
                    "--set", "stages.pretrain.epochs=1"]
            file = f"traces/{ranks}.json"
            completed = self.run_runner(*self.study(f"{ranks}.sqlite", "--profile", file, *more), ranks=ranks)
            self.assertEqual(completed.returncode, 0, completed.stderr)
            self.assertEqual(completed.stderr.count(f"--profile: 5 steps of rank 0 in {file}"), 1, completed.stderr)
            self.assertNotIn("ERROR", completed.stderr)
            self.assertNotIn("STAGE", completed.stderr)
            ranges = self.ranges(file)
            buckets = ranges.pop("buckets", [])
            self.assertEqual({name: len(of) for name, of in ranges.items()}, {name: 5 for name in self.NAMES})
            for step in zip(*(ranges[name] for name in self.NAMES), strict=True):
                ends = [time for begin, end, _ in step for time in (begin, end)]
                self.assertEqual(ends, sorted(ends), "one after another")
            if ranks == 1:
                self.assertEqual(buckets, [])
            else:
                self.assertGreaterEqual(len(buckets), 5)
                self.assertFalse({of[2] for of in buckets} & {of[2] for of in ranges["backward"]}, "a thread of its own")
                for begin, end, _ in buckets:
                    self.assertTrue(any(b <= begin and end <= e for b, e, _ in ranges["backward"]))
            self.assertEqual([path.name for path in (self.folder / "traces").iterdir()], [f"{ranks}.json"])
            (self.folder / file).unlink()

            completed = self.run_runner(*self.study(f"{ranks}.sqlite", "--profile", file, *more), ranks=ranks)
            self.assertEqual(completed.returncode, 0, completed.stderr)
            self.assertEqual(completed.stderr.count(f"--profile: rank 0 trained no step, so {file} is not written"), 1)
            self.assertFalse((self.folder / file).exists())

            self.assertEqual(self.run_runner(*self.study("bare.sqlite", *more), ranks=ranks).returncode, 0)
            self.assertEqual(self.losses("bare.sqlite"), self.losses(f"{ranks}.sqlite"))
            for path in self.folder.glob("bare*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

            seconds = self.query(f"{ranks}.sqlite", """
                select seconds_train, seconds_data, seconds_communication, seconds_buckets, seconds_loss_sums, seconds_norm_sums,
                       seconds_checkpoint from figure1""")
            for train, data, communication, *parts, checkpoint in seconds:
                if ranks == 1:
                    self.assertEqual([communication, *parts], [0] * 4)
                else:
                    self.assertGreater(min(parts), 0)
                    self.assertGreaterEqual(communication, sum(parts))
                    self.assertLess(data + communication, train)
                self.assertIsNone(checkpoint, "the first epoch has none before it")

    def test_a_file_that_cannot_be_written_is_refused_before_anything_starts(self):
        (self.folder / "notes.json").write_text("mine")
        for file, said in ((".", "Is a directory"), ("notes.json/trace.json", "cannot write notes.json/trace.json: Not a directory")):
            completed = self.run_runner(*self.study("r.sqlite", "--profile", file), ranks=2)
            self.assertEqual(completed.returncode, 2)
            self.assertEqual(len(self.errors(completed)), 1, completed.stderr)
            self.assertIn(said, self.errors(completed)[0])
            self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["notes.json", "tiny.yaml"])


if __name__ == "__main__":
    unittest.main()
