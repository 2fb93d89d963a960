"""File systems without locks, names that are no UTF-8, names of databases without an ending, and what commands exit with."""

import contextlib
import csv
import io
import os
import pathlib
import signal
import sqlite3
import subprocess
import time
import unittest

import nibabel
import numpy

from harness import GRID, RUNNER, Case, ranks_of

REFUSED, FAILED, STOPPED = 2, 1, 75
BAD = os.fsdecode(b"K\xf6pfe")  # Latin-1


def labels():
    voxels = numpy.zeros((20, 20, 20), numpy.int16)
    voxels[5:12, 5:12, 5:12] = 2
    voxels[12:15, 5:12, 5:12] = 41
    return nibabel.Nifti1Image(voxels, numpy.diag([4.0, 4, 4, 1]))


class WithoutLocks(Case):
    def setUp(self):
        super().setUp()
        library = self.folder / "no_locks.so"
        source = pathlib.Path(__file__).parent / "no_locks.c"
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
        self.library = library

    def run_without(self, *arguments, ranks=0, **more):
        environment = os.environ | {"LD_PRELOAD": str(self.library)} | more
        return subprocess.run(self.command(ranks, *arguments), cwd=self.folder, text=True, capture_output=True, timeout=300,
                              env=environment)

    def test_a_grid_and_its_reports_run_with_one_warning(self):
        for number, more in enumerate(({"NO_LOCKS": "ENOSYS"}, {"NO_LOCKS": "ENOLCK"})):
            with self.subTest(more):
                completed = self.run_without(*self.study(f"r{number}.sqlite", "--only", "sum"), ranks=2, **more)
                self.assertEqual(completed.returncode, 0, completed.stderr)
                self.assertEqual(completed.stderr.count("nothing guards against a second run"), 1, completed.stderr)
                self.assertTrue((self.folder / f"r{number}" / "table1.json").exists())
                self.assert_consistent(f"r{number}.sqlite")
                self.assertEqual(self.run_without("report", "--results", f"r{number}.sqlite", **more).returncode, 0)

    def test_a_reader_leaves_the_transaction_of_a_writer_alone(self):
        completed = self.run_runner(*self.study("r.sqlite", "--only", "sum", "--set", "stages.pretrain.epochs=1"))
        self.assertEqual(completed.returncode, 0, completed.stderr)
        with contextlib.closing(sqlite3.connect(self.folder / "r.sqlite", isolation_level=None)) as writer:
            writer.execute("pragma cache_size = 1")  # so that pages are written, and the journal before them
            writer.execute("begin immediate")
            writer.execute("update study set grid_text = hex(zeroblob(1000000))")
            journal = self.folder / "r.sqlite-journal"
            before = journal.read_bytes()
            self.assertNotEqual(before[:8], bytes(8), "it holds what the database had before")
            for arguments in (["report"], ["status"]):
                completed = self.run_without(*arguments, "--results", "r.sqlite", NO_LOCKS="ENOLCK")
                self.assertEqual(completed.returncode, 2, completed.stderr)
                self.assertIn("r.sqlite': is being written, or a run that was killed has left", completed.stderr)
                self.assertEqual(journal.read_bytes(), before)
            writer.execute("commit")
        self.assertEqual(self.run_without("report", "--results", "r.sqlite", NO_LOCKS="ENOLCK").returncode, 0)
        self.assertEqual(self.query("r.sqlite", "select length(grid_text) from study"), [(2000000,)])
        self.assert_consistent("r.sqlite")

    def test_preparing_runs_with_one_warning(self):
        (self.folder / "maps").mkdir()
        nibabel.save(labels(), self.folder / "maps" / "a.nii.gz")
        completed = self.run_without("prepare", "--labels", "maps", "--size", 32, "--output", "out", NO_LOCKS="ENOSYS")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stderr.count("nothing guards against a second run"), 1, completed.stderr)


class NamesThatAreNoText(Case):
    def test_scores_of_such_a_folder_and_subject_are_stored_and_printed(self):
        folder = self.folder / BAD
        for part in ("labels", "predictions"):
            (folder / part).mkdir(parents=True)
            nibabel.save(labels(), folder / part / "a.nii.gz")
            (folder / part / "a.nii.gz").rename(folder / part / f"{BAD}.nii.gz")
        for form in ("text", "json"):
            completed = subprocess.run([RUNNER, "score", "--labels", folder / "labels", "--predictions", folder / "predictions",
                                        "--name", "tool", "--results", self.folder / "r.sqlite", "--study", "s", "--format", form],
                                       capture_output=True, timeout=120)
            self.assertEqual(completed.returncode, 0, completed.stderr)
            self.assertIn("K\N{REPLACEMENT CHARACTER}pfe", completed.stdout.decode("utf-8"))
        self.assertEqual(self.query("r.sqlite", "select distinct subject from subject_score"), [("K\N{REPLACEMENT CHARACTER}pfe",)])
        rows = list(csv.DictReader(io.StringIO(self.run_runner("report", "--results", "r.sqlite", "--format", "csv").stdout)))
        self.assertEqual(rows[0]["variant"], "tool")

    def test_a_grid_runs_with_cohorts_and_results_in_such_a_folder(self):
        folder = self.folder / BAD
        (folder / "maps").mkdir(parents=True)
        nibabel.save(labels(), folder / "maps" / "a.nii.gz")
        (folder / "maps" / "a.nii.gz").rename(folder / "maps" / f"{BAD}.nii.gz")
        self.grid.write_text(GRID.replace("subjects: 4", "subjects: 3").replace(", test: 1", "").replace(
            "defaults:", "  others: {source: labels, labels: maps, size: 32, split: {test: 1}}\ndefaults:").replace(
            "epochs: 4", "test: others, epochs: 1"))
        for again in range(2):  # the second time from checkpoints and a database that are there
            completed = subprocess.run(self.command(2, "--grid", self.grid, "--cohorts", folder / "cohorts", "--results",
                                                    folder / "r.sqlite"), cwd=folder, capture_output=True, timeout=300)
            self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(self.query(f"{BAD}/r.sqlite", "select distinct subject from subject_score where part = 'test'"),
                         [("K\N{REPLACEMENT CHARACTER}pfe",)])
        self.assertTrue((folder / "r" / "figure1.png").exists(), completed.stderr)


class NamesOfDatabases(Case):
    def test_a_name_without_an_ending_is_that_of_the_file(self):
        completed = self.run_runner(*self.study("plain", "--only", "sum"), ranks=2)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertTrue((self.folder / "plain").is_file())
        self.assertTrue((self.folder / "plain-files" / "table1.txt").exists())
        self.assertEqual(self.run_runner("report", "--results", "plain").returncode, 0)

    def test_the_name_of_a_folder_is_refused_and_nothing_is_left(self):
        (self.folder / "results.d").mkdir()
        before = sorted(path.name for path in self.folder.rglob("*"))
        for arguments in (self.study("results.d"), ["--grid", self.grid, "--results", f"{self.folder}/new/"], ["score", "--labels", "x", "--predictions", "y", "--name", "n", "--study", "s",
                                                    "--results", self.folder / "results.d"]):
            completed = self.run_runner(*arguments)
            self.assertEqual(completed.returncode, REFUSED, completed.stderr)
            self.assertIn("is a folder, expected", self.errors(completed)[0])
        self.assertEqual(sorted(path.name for path in self.folder.rglob("*")), before)


class ExitCodes(Case):
    """docs/commands.md"""

    def test_what_starts_nothing_is_2(self):
        for arguments in (["--gird", "x"], [], ["report", "--results", "none.sqlite"], ["--grid", "none.yaml"],
                          ["prepare", "--subjects", "x", "--output", "out"], ["prepare", "--labels", "none", "--output", "out"],
                          ["score", "--labels", "none", "--predictions", "none", "--name", "x"],
                          ["evaluate", "--checkpoint", "none", "--shards", "none"],
                          self.study("r.sqlite", "--set", "stages.pretrain.epochs=none")):
            for ranks in (0, 2) if arguments[:1] in (["--gird"], ["--grid"]) else (0,):
                completed = self.run_runner(*arguments, ranks=ranks)
                self.assertEqual(completed.returncode, REFUSED, f"{arguments} on {ranks}: {completed.stderr}")

    def test_what_can_not_be_printed_is_1(self):
        with open("/dev/full", "w") as full:
            self.assertEqual(subprocess.run([RUNNER, "keys"], stdout=full, stderr=subprocess.PIPE).returncode, FAILED)

    def test_help_and_version_are_0(self):
        for arguments in (["--help"], ["--version"], ["prepare", "--help"]):
            self.assertEqual(self.run_runner(*arguments).returncode, 0)

    def text_of(self, name):
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def stopped_by(self, sent, ranks, arguments, ready):
        process = self.start_runner(*arguments, ranks=ranks)
        deadline = time.monotonic() + 100
        while not ready() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        # To the ranks themselves, as a queueing system does: mpirun answers a signal of its own by 1, whatever they say.
        for rank in ranks_of(process) if ranks else [process.pid]:
            os.kill(rank, sent)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    def test_all_files_that_the_system_allows_may_be_open(self):
        """A trial keeps all shards of its cohort open."""
        process = subprocess.Popen(["prlimit", "--nofile=64:4096", RUNNER, *map(str, self.study("r.sqlite"))], cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for_epochs("r.sqlite", 1, process)
        with open(f"/proc/{process.pid}/limits") as limits:
            allowed = next(line for line in limits if line.startswith("Max open files")).split()[3:5]
        self.assertEqual(process.wait(timeout=120), 0)
        self.assertEqual(allowed, ["4096", "4096"])

    def test_a_stopped_grid_is_75_and_goes_on(self):
        for ranks, sent in ((0, signal.SIGINT), (1, signal.SIGTERM), (3, signal.SIGINT)):
            results = f"r{ranks}{sent}.sqlite"
            arguments = self.study(results, "--set", "stages.pretrain.epochs=400", "--set", f"run.ranks_per_trial={max(ranks, 1)}")

            def training():
                try:
                    return self.query(results, "select count(*) from epoch")[0][0] > 0
                except Exception:  # not there yet
                    return False
            code, output = self.stopped_by(sent, ranks, arguments, training)
            self.assertEqual(code, STOPPED, f"{sent} on {ranks}: {output}")
            self.assertEqual(self.query(results, "select distinct state from trial where state <> 'pending'"), [("interrupted",)])

    def test_a_grid_stopped_while_it_prepares_is_75(self):
        arguments = ["--grid", self.grid, "--cohorts", self.folder / "cohorts", "--results", self.folder / "r.sqlite"]
        code, output = self.stopped_by(signal.SIGTERM, 2, arguments, lambda: (self.folder / "r" / "runner.log").exists())
        self.assertEqual(code, STOPPED, output)

    def test_a_stopped_preparation_is_75_and_goes_on(self):
        arguments = ["prepare", "--subjects", 3, "--size", 32, "--threads", 1, "--output", "out"]
        code, output = self.stopped_by(signal.SIGINT, 0, arguments, lambda: " subject " in self.text_of("out/made-from.txt"))
        self.assertEqual(code, STOPPED, output)
        completed = self.run_runner(*arguments)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertLess(completed.stderr.count(" of 3 subjects"), 3, "what was finished is not made again")


if __name__ == "__main__":
    unittest.main()
