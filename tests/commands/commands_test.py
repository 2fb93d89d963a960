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


def shards_of_the_study():
    with sqlite3.connect(STUDY / "tiny.sqlite") as database:
        (hashes,) = database.execute("select data_hash from provenance").fetchone()
    return pathlib.Path(COHORTS) / f"phantom-{json.loads(hashes)['phantom']}"


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


    def test_refuses_what_the_run_would(self):
        only = self.run_runner("--grid", self.grid, "--dry-run", "--only", "sum")
        self.assertEqual(only.stdout.count("U-Net (width 4, depth 2, batch norm)"), 1, only.stdout)
        for change, said in ((["--only", "zzz"], "--only zzz: no trial's name has it, expected a part of a name that --dry-run prints"),
                             (["--set", "cohorts.phantom.split={from: parts}"], "from: parts, but the source says no part of any subject"),
                             (["--set", "stages.pretrain.train_subjects=99"], "trains on 99 subjects, but cohort phantom has")):
            refused = self.run_runner("--grid", self.grid, "--dry-run", *change)
            self.assertEqual(refused.returncode, 2, refused.stdout)
            self.assertIn(said, refused.stderr)
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

        over = self.run_runner(*arguments, "--anyway", ranks=2)
        self.assertEqual(over.returncode, 2, over.stderr)
        self.assertIn("--predictions: out/a.nii.gz and 1 other would be overwritten", over.stderr)
        twice = self.run_runner(*arguments, "--anyway", "--overwrite", "--subjects", "a", "a")
        self.assertEqual(twice.returncode, 2, twice.stderr)
        self.assertIn("--subjects names a twice", twice.stderr)
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

        (self.folder / "again" / "b.nii.gz").mkdir(parents=True)  # which no file can replace
        arguments[arguments.index("out")] = "again"
        unwritten = self.run_runner(*arguments, "--anyway", "--overwrite", ranks=2)
        self.assertEqual(unwritten.returncode, 1, unwritten.stderr)
        said = self.errors(unwritten)
        self.assertEqual(len(said), 1, unwritten.stderr)
        for word in ("again/b.nii.gz", "predictions that were written before stay"):
            self.assertIn(word, said[0])
        self.assertTrue((self.folder / "again" / "a.nii.gz").is_file())

    def test_the_study_scores_its_test_subject_alike(self):
        """The figures of figure2, from the checkpoint and the shards alone."""
        shards = shards_of_the_study()
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
                                    shards_of_the_study(), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stderr.count("do not say what they were trained on"), 1, completed.stderr)


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
