"""Each subcommand of the real binary on the tiny study, compared with what Python makes of the same files."""

import csv
import io
import json
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import nibabel
import numpy

from harness import COHORTS, GRID, RUNNER, Case

PUBLISHED = pathlib.Path(__file__).parents[2] / "docs/results"
STUDY = None  # folder of a finished run of the tiny grid, made once


def setUpModule():
    global STUDY
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    STUDY = pathlib.Path(folder.name)
    (STUDY / "tiny.yaml").write_text(GRID)
    subprocess.run(["mpirun", "-n", "2", RUNNER, "--grid", STUDY / "tiny.yaml", "--cohorts", COHORTS,
                    "--results", STUDY / "tiny.sqlite", "--set", "caption=it's made by tests"], check=True, capture_output=True, timeout=300)


class Provenance(Case):
    def test_has_the_command_as_a_shell_takes_it(self):
        with sqlite3.connect(STUDY / "tiny.sqlite") as database:
            command, = database.execute("select command from provenance").fetchone()
        self.assertEqual(shlex.split(command)[-2:], ["--set", "caption=it's made by tests"])
        self.assertEqual(shlex.split(command)[1:3], ["--grid", str(STUDY / "tiny.yaml")])


def view():
    with sqlite3.connect(STUDY / "tiny.sqlite") as database:
        rows = database.execute("select * from table1")
        names = [column[0] for column in rows.description]
        return [dict(zip(names, row)) for row in rows]


class Report(Case):
    def report(self, form):
        completed = self.run_runner("report", "--results", STUDY / "tiny.sqlite", "--format", form)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        return completed.stdout

    def test_json_and_csv_hold_the_view_to_the_last_bit(self):
        self.assertEqual(json.loads(self.report("json"))["rows"], view())
        for row, expected in zip(csv.DictReader(io.StringIO(self.report("csv"))), view(), strict=True):
            self.assertEqual(row, {name: "" if value is None else row[name] for name, value in expected.items()})
            for name, value in expected.items():
                if value is not None:
                    self.assertEqual(type(value)(row[name]), value, name)

    def test_text_markdown_and_latex_print_the_mean_of_every_variant(self):
        for form in ("text", "markdown", "latex"):
            printed = self.report(form)
            for row in view():
                line = next(line for line in printed.splitlines() if line.lstrip("| ").startswith(row["variant"]))
                converged = row["pretrained_converged"] > 0
                self.assertIn(f"{row['pretrained_dice']:.4f}" if converged else "did not converge", line)

    def test_several_databases_are_read_as_one(self):
        shutil.copy(STUDY / "tiny.sqlite", self.folder / "copy.sqlite")
        completed = self.run_runner("report", "--results", STUDY / "tiny.sqlite", "copy.sqlite", "--format", "csv")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stdout, self.report("csv"))

    def test_the_papers_figures_are_printed_on_demand(self):
        with_paper = ["report", "table1", "--with-paper", "--results"]
        published = self.run_runner(*with_paper, PUBLISHED / "table1.sqlite")
        self.assertIn("Paper, Pre-Trained", published.stdout, published.stderr)
        no_row_of_the_papers = self.run_runner(*with_paper, STUDY / "tiny.sqlite")
        self.assertEqual(no_row_of_the_papers.returncode, 0, no_row_of_the_papers.stderr)
        self.assertNotIn("Paper", no_row_of_the_papers.stdout)

    def test_an_option_that_would_go_unheard_is_refused(self):
        for arguments in (["report", "claims", "--with-paper"], ["report", "--variant", "small"],
                          ["report", "claims", "--than", "small"], ["plot", "figure1", "--variant", "small"]):
            completed = self.run_runner(*arguments, "--results", STUDY / "tiny.sqlite")
            self.assertNotEqual(completed.returncode, 0)
            self.assertIn("does not go with", completed.stderr)

    def test_published_databases_of_every_version_are_still_read(self):
        files = sorted(PUBLISHED.glob("*.sqlite"))
        self.assertTrue(files)
        for file in files:
            for what in (["report", "table1"], ["report", "structures"], ["plot", "figure1"], ["plot", "figure2"]):
                completed = self.run_runner(*what, "--results", file)
                self.assertEqual(completed.returncode, 0, completed.stderr)

    def test_a_study_without_claims_is_told_where_to_say_them(self):
        completed = self.run_runner("report", "claims", "--results", STUDY / "tiny.sqlite")
        self.assertNotEqual(completed.returncode, 0)
        self.assertIn("study 'tiny' makes no claims", completed.stderr)

    def test_a_finished_grid_leaves_the_same_table_and_the_figure(self):
        self.assertEqual((STUDY / "tiny" / "table1.json").read_text(), self.report("json"))
        for name in ("figure1.svg", "figure1.png", "figure1.pdf", "figure1.csv"):
            self.assertGreater((STUDY / "tiny" / name).stat().st_size, 0, name)


class Plot(Case):
    def test_draws_svg_png_and_pdf(self):
        completed = self.run_runner("plot", "figure1", "--results", STUDY / "tiny.sqlite", "--output", "f")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn(b"<svg", (self.folder / "f.svg").read_bytes()[:1000])
        self.assertEqual((self.folder / "f.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual((self.folder / "f.pdf").read_bytes()[:5], b"%PDF-")


    def test_draws_test_subjects_as_the_trials_have_left_them(self):
        hashes = [hash[:16] for (hash,) in self.query(STUDY / "tiny.sqlite", "select hash from stage")]
        self.assertEqual(sorted(str(file.relative_to(STUDY / "tiny/pictures")) for file in (STUDY / "tiny/pictures").rglob("*.svg")),
                         sorted(f"{hash}/phantom-004.svg" for hash in hashes))
        completed = self.run_runner("plot", "slices", "--results", STUDY / "tiny.sqlite")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual((self.folder / "slices.pdf").read_bytes()[:5], b"%PDF-")
        rows = (self.folder / "slices.csv").read_text().splitlines()
        self.assertEqual([row.split(",")[:4] for row in rows[1:]],
                         [["sum", "pretrained", "worst", "phantom-004"], ["scheduled", "pretrained", "worst", "phantom-004"]])
        self.assertEqual((STUDY / "tiny/study.html").read_text().count("<img src=\"data:image/svg+xml"), 2)


class DryRun(Case):
    def test_prints_the_trials_and_starts_nothing(self):
        completed = self.run_runner("--grid", self.grid, "--dry-run", "--set", "seeds=[1, 2]", ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stdout.count("U-Net (width 4, depth 2, batch norm)"), 4, completed.stdout)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["tiny.yaml"])


    def test_measures_how_long_it_takes_and_what_stays_on_disk(self):
        completed = self.run_runner("--grid", self.grid, "--cohorts", COHORTS, "--dry-run=measure", "--set", "seeds=[1, 2]", ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        said = completed.stdout
        self.assertRegex(said, r"measured on 2 ranks on CPUs, 1 rank a trial, 1 thread a rank: 5 steps of each kind")
        self.assertRegex(said, r"\nU-Net \(width 4, depth 2, batch norm\), wce \+ wdice, pretrain on phantom \(manual\), batch 8 +4 +[\d.]+ +[\d.]+ ")
        self.assertEqual(said.count("pretrain on phantom (manual)"), 1, "four trials of one kind")
        self.assertRegex(said, r"time: about 00:\d\d for all trials on 2 groups")
        gigabytes = float(re.search(r"disk: (\S+) GB of checkpoints", said)[1])
        there = sum(file.stat().st_size for file in (STUDY / "tiny/checkpoints").rglob("*.safetensors")) / 1e9
        # The study of the fixture has two of the four trials. Headers with epochs and scores are not counted.
        self.assertAlmostEqual(gigabytes / (2 * there), 1, delta=0.2)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["tiny.yaml"])

    def test_refuses_another_kind_of_dry_run(self):
        completed = self.run_runner("--grid", self.grid, "--dry-run=minutes")
        self.assertNotEqual(completed.returncode, 0)
        self.assertIn("minutes", completed.stderr)


class Help(Case):
    def test_every_subcommand_explains_itself(self):
        listed = self.run_runner("--help").stdout
        for command in ("keys", "prepare", "report", "plot", "evaluate", "score"):
            self.assertIn(command, listed)
            completed = self.run_runner(command, "--help")
            self.assertEqual(completed.returncode, 0)
            self.assertIn("--help", completed.stdout)

    def test_keys_are_those_of_the_page(self):
        page = pathlib.Path(__file__).parents[2] / "docs" / "grid.md"
        self.assertIn(self.run_runner("keys").stdout, page.read_text())


def head():
    """Nested ellipsoids with FreeSurfer's ids, left of the midline and right of it; axis codes L-I-A, 2 x 1.6 x 2 mm."""
    shape, spacing = (90, 110, 95), numpy.array([2.0, 1.6, 2.0])
    x, y, z = ((numpy.arange(n) - n / 2).reshape([-1 if a == axis else 1 for a in range(3)]) * spacing[axis]
               for axis, n in enumerate(shape))
    radius = numpy.sqrt((x / 72) ** 2 + (y / 76) ** 2 + (z / 88) ** 2)
    left = (x > 0) | numpy.zeros(shape, bool)  # the first axis runs to the left
    ids = numpy.zeros(shape, numpy.int16)
    for largest, ids_left, ids_right in ((1.0, 511, 511), (0.94, 515, 515), (0.86, 3, 42), (0.74, 2, 41), (0.3, 4, 43)):
        ids = numpy.where(radius < largest, numpy.where(left, ids_left, ids_right), ids)
    affine = numpy.array([[-2, 0, 0, 90], [0, 0, 2, -95], [0, -1.6, 0, 88], [0, 0, 0, 1]], float)
    return nibabel.Nifti1Image(ids.astype(numpy.int16), affine)


class Evaluate(Case):
    def test_predictions_come_back_on_the_subjects_own_grid_and_are_scored_there(self):
        (self.folder / "labels").mkdir()
        truth = head()
        self.assertEqual(nibabel.aff2axcodes(truth.affine), ("L", "I", "A"))
        for name in ("a", "b"):
            nibabel.save(truth, self.folder / "labels" / f"{name}.nii.gz")
        completed = self.run_runner("prepare", "--labels", "labels", "--size", 64, "--output", "shards")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        best = next((STUDY / "tiny" / "checkpoints").glob("*/best.safetensors"))
        arguments = ["evaluate", "--checkpoint", best, "--shards", "shards", "--predictions", "out", "--format", "csv"]
        refused = self.run_runner(*arguments, ranks=2)  # trained at 8 mm, shards of 4 mm
        self.assertNotEqual(refused.returncode, 0)
        said = self.errors(refused)
        self.assertEqual(len(said), 1, refused.stderr)
        for word in (str(best), "a.h5", "voxels of 8 x 8 x 8 mm against 4 x 4 x 4 mm", "slices of 32 x 32 pixels against 64 x 64", "--anyway"):
            self.assertIn(word, said[0])
        completed = self.run_runner(*arguments, "--anyway", ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stderr.count("evaluated all the same"), 1, completed.stderr)
        scores = {(row["subject"], row["structure"]): row["dice"] for row in csv.DictReader(io.StringIO(completed.stdout))}
        self.assertEqual(len(scores), 2 * 27)

        labels = numpy.asarray(truth.dataobj)
        overlap = 0
        for subject in ("a", "b"):
            image = nibabel.load(self.folder / "out" / f"{subject}.nii.gz")
            self.assertEqual(image.shape, truth.shape)
            numpy.testing.assert_allclose(image.affine, truth.affine, atol=1e-4)  # NIfTI keeps float32
            predicted = numpy.asarray(image.dataobj).astype(int)
            for structure, identity in (("Left-Cerebral-White-Matter", 2), ("Right-Cerebral-White-Matter", 41),
                                        ("Left-Cerebral-Cortex", 3), ("Right-Lateral-Ventricle", 43),
                                        ("Left-Amygdala", 18)):
                both = numpy.sum((labels == identity) & (predicted == identity))
                either = numpy.sum(labels == identity) + numpy.sum(predicted == identity)
                dice = scores[subject, structure]
                if either == 0:
                    self.assertEqual(dice, "")
                else:
                    self.assertAlmostEqual(float(dice), 2 * both / either, places=12)
                overlap += both
        self.assertGreater(overlap, 0, "the net found nothing: the comparison above says little")

    def test_the_study_scores_its_test_subject_alike(self):
        """The figures of figure2, from the checkpoint and the shards alone."""
        shards = next(pathlib.Path(COHORTS).glob("phantom-" + 16 * "?"))
        with sqlite3.connect(STUDY / "tiny.sqlite") as database:
            trials = database.execute("select hash, (select name from variant v where v.id = variant_id) from trial").fetchall()
            for trial, variant in trials:
                completed = self.run_runner("evaluate", "--checkpoint", STUDY / "tiny" / "checkpoints" / trial[:16] /
                                            "best.safetensors", "--shards", shards, "--subjects", "phantom-004",
                                            "--format", "json")
                self.assertEqual(completed.returncode, 0, completed.stderr)
                found = json.loads(completed.stdout)["subjects"][0]["dice"]
                stored = dict(database.execute("select structure, dice from figure2 where variant = ?", (variant,)))
                self.assertEqual(found, stored)


    def test_an_older_checkpoint_that_does_not_say_what_it_saw_is_said_once(self):
        best = next((STUDY / "tiny" / "checkpoints").glob("*/best.safetensors")).read_bytes()
        length = int.from_bytes(best[:8], "little")
        header = json.loads(best[8:8 + length])
        self.assertEqual(json.loads(header["__metadata__"].pop("data"))["plane"], "axial")
        text = json.dumps(header).encode()
        (self.folder / "old.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + best[8 + length:])
        completed = self.run_runner("evaluate", "--checkpoint", "old.safetensors", "--shards",
                                    next(pathlib.Path(COHORTS).glob("phantom-" + 16 * "?")), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stderr.count("do not say what they were trained on"), 1, completed.stderr)


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


class TestOnlyCohort(Case):
    def test_needs_no_training_subjects(self):
        (self.folder / "maps").mkdir()
        for name in ("a", "b"):
            nibabel.save(head(), self.folder / "maps" / f"{name}.nii.gz")
        self.grid.write_text(GRID.replace("subjects: 4", "subjects: 3").replace(", test: 1", "").replace(
            "defaults:", "  others: {source: labels, labels: maps, size: 32, split: {test: 2}}\ndefaults:").replace(
            "epochs: 4", "test: others, epochs: 1"))
        completed = self.run_runner("--grid", self.grid, "--results", "r.sqlite", "--only", "sum", ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(self.query("r.sqlite", "select distinct part, subject from subject_score order by 1, 2"),
                         [("test", "a"), ("test", "b"), ("validation", "phantom-003")])


class Install(Case):
    def test_the_installed_program_finds_its_libraries(self):
        subprocess.run(["cmake", "--install", os.environ["CROSSFADE_BUILD"], "--prefix", self.folder / "there"],
                       check=True, capture_output=True)
        program = self.folder / "there" / "bin" / "runner"
        completed = subprocess.run([program, "--version"], text=True, capture_output=True)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertRegex(completed.stdout, r"^\d+\.\d+\.\d+ \(git ")
        self.assertIsNotNone(shutil.which("ldd"))
        for name, torch in ("runner", False), ("runner-torch", True):
            linked = subprocess.run(["ldd", program.with_name(name)], text=True, capture_output=True, check=True).stdout
            self.assertNotIn("not found", linked)
            self.assertEqual("libtorch" in linked, torch, linked)

    def test_what_reads_results_needs_no_runner_torch(self):
        alone = self.folder / "runner"
        shutil.copy(RUNNER, alone)
        for results in (["status"], ["report"], ["plot", "figure1"], ["page"], ["export", "csv", "--output", "tables"]):
            completed = subprocess.run([alone, *results, "--results", "none.sqlite"], cwd=self.folder, text=True,
                                       capture_output=True)
            self.assertEqual(completed.returncode, 2, results)
            self.assertIn("none.sqlite", completed.stderr)
        completed = subprocess.run([alone, "--version"], text=True, capture_output=True)
        self.assertEqual(completed.returncode, 1)
        self.assertIn(f"{self.folder}/runner-torch can't be started (No such file", completed.stderr)


if __name__ == "__main__":
    unittest.main()
