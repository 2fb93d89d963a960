"""Kills a tiny study at random moments, lets the same command end it, and holds all that it found against the undisturbed
study: parameters, database and tables, bit for bit. `scripts/faults kill` runs many, kill_test.py a few."""

import argparse
import collections
import dataclasses
import hashlib
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import tempfile
import time

from harness import RUNNER, ranks_of

RANKS = 2
ENDED_WITHIN = 60  # seconds for all ranks to be gone once one of them, or mpirun, is

GRID = """\
study: killed
cohorts:
  phantom:
    {source: phantom, subjects: 5, size: 32, seed: 7, label_bias: {noise_mm: 1}, split: {train: 3, validation: 1, test: 1}}
defaults:
  seeds: [1]
  model: {name: unet, width: 4, depth: 2, norm: batch}
  optimizer: {lr: 0.01, clip_norm: 1}
  stages:
    pretrain: {cohort: phantom, labels: automatic, epochs: 4, batch: 8, patience: 1, augmentation: {rotation: 5, noise: 0.05}}
variants:
  sum: {loss: {wce: 1, wdice: 1}}
  scheduled:
    loss: &scheduled {wce: {step: {0: 1, 0.5: 0}}, wdice: {step: {0: 0, 0.5: 1}}}
    stages: {finetune: {cohort: phantom, labels: manual, epochs: 2, batch: 8, optimizer: {lr: 0.001}}}
  later:
    loss: {wce: {step: {0: 1, 0.7: 0}}, wdice: {step: {0: 0, 0.7: 1}}}
    stages: {finetune: {cohort: phantom, labels: manual, epochs: 2, batch: 8, optimizer: {lr: 0.001}}}
  control:
    loss: *scheduled
    stages: {finetune: {cohort: phantom, labels: automatic, epochs: 2, batch: 8, optimizer: {lr: 0.001}}}
claims:
  scheduling beats the sum: {better: scheduled, than: sum}
"""

# All but ids, which follow the order in which trials end, and what a machine needs for it: times, attempts, runs.
TABLES = {
    "trial": "select t.hash, v.name, v.position, t.seed, t.fold, t.in_grid, t.state, t.error, t.parameters, t.flops, t.config"
             " from trial t join variant v on v.id = t.variant_id",
    "stage": "select t.hash, s.position, s.name, s.plane, s.hash, s.cohort, s.labels, s.epochs, s.switches, s.voxel_mm,"
             " s.best_epoch, s.best_dice, s.stopped from stage s join trial t on t.id = s.trial_id",
    "epoch": "select t.hash, s.position, e.epoch, e.step, e.loss, e.learning_rate, e.gradient_norm, e.dice_mean, e.dice_pooled,"
             " e.images from epoch e join stage s on s.id = e.stage_id join trial t on t.id = s.trial_id",
    "term": "select t.hash, s.position, e.epoch, x.term, x.value, x.weight from epoch_term x join epoch e on e.id = x.epoch_id"
            " join stage s on s.id = e.stage_id join trial t on t.id = s.trial_id",
    "dice": "select t.hash, s.position, e.epoch, x.structure_id, x.dice, x.true_positive, x.false_positive, x.false_negative"
            " from dice x join epoch e on e.id = x.epoch_id join stage s on s.id = e.stage_id join trial t on t.id = s.trial_id",
    "score": "select t.hash, s.position, x.part, x.subject, x.structure_id, x.metric, x.value, x.true_positive,"
             " x.false_positive, x.false_negative from subject_score x join stage s on s.id = x.stage_id"
             " join trial t on t.id = s.trial_id",
    "time": "select t.hash, s.position, x.subject from subject_time x join stage s on s.id = x.stage_id"
            " join trial t on t.id = s.trial_id",
    "claim": "select position, name, better, than, role, most_in from claim",
    "structure": "select id, name from structure",
    "search": "select method, objective, seeds, space, options, validation_subjects, labels from search",
    "candidate": "select position, round, point, settings, epochs, variant from candidate",
    "candidate trial": "select position, hash from candidate_trial",
    "candidate score": "select position, seed, end_dice, best_dice from candidate_score",
    "table1": "select * from table1",
}


@dataclasses.dataclass
class Kill:
    victim: str   # rank, ranks, mpirun
    moment: str   # time, or the kind of file that was being written
    seconds: float
    last: str     # that the run had said


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def net_digest(path):
    """Of a checkpoint, but for which of the trials that share it has trained it, and under which name."""
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    for key in ("owner", "trial", "variant"):
        del header["__metadata__"][key]
    return hashlib.sha256(json.dumps(header).encode() + content[end:]).hexdigest()


class Study:
    """The tiny grid, or another, in a folder of its own, shards and all, if no folder of cohorts is named."""

    def __init__(self, folder, ranks_per_trial, grid=GRID, cohorts="cohorts"):
        self.folder = pathlib.Path(folder)
        (self.folder / "killed.yaml").write_text(grid)
        self.command = ["mpirun", "--oversubscribe", "-n", str(RANKS), RUNNER, "--grid", "killed.yaml", "--results", "r.sqlite",
                        "--cohorts", cohorts,
                        "--set", f"run.ranks_per_trial={ranks_per_trial}"]

    def start(self):
        self.stale = set(self.folder.glob("**/*.partial"))  # of runs that were killed before
        with open(self.folder / "said.txt", "w", encoding="utf-8") as log:
            return subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def said(self):
        return (self.folder / "said.txt").read_text(encoding="utf-8")

    def run_to_the_end(self):
        process = self.start()
        if process.wait(timeout=600) != 0:
            raise AssertionError("the command that should end the study failed:\n" + self.said())

    def half_written(self):
        """The kind of a file that is being written now, or nothing."""
        if (self.folder / "r.sqlite-journal").exists():
            return "database"
        for partial in set(self.folder.glob("**/*.partial")) - self.stale:
            return {".h5": "shard", ".safetensors": "checkpoint", ".svg": "picture"}.get(partial.with_suffix("").with_suffix("").suffix, "report")
        return ""

    def found(self):
        """Name -> what must be the same to the bit."""
        with sqlite3.connect(self.folder / "r.sqlite") as database:
            checks = database.execute("pragma integrity_check").fetchall() + database.execute("pragma foreign_key_check").fetchall()
            if checks != [("ok",)]:
                raise AssertionError(f"the database is damaged: {checks}")
            found = {name: sorted(map(repr, database.execute(query))) for name, query in TABLES.items()}
        found["half-written files"] = sorted(str(path.relative_to(self.folder)) for path in self.folder.glob("**/*.partial"))
        results = self.folder / "r"
        for pattern, of in (("checkpoints/*/best.safetensors", net_digest), ("pictures/*/*.svg", digest), ("*.csv", digest)):
            for file in sorted(results.glob(pattern)):
                found[str(file.relative_to(results))] = of(file)
        for report in ("table1", "claims", "structures") + (("schedule",) if found["search"] else ()):
            found[report + ".txt"] = subprocess.run([RUNNER, "report", report, "--results", "r.sqlite"], cwd=self.folder, text=True,
                                                    capture_output=True, check=True).stdout
        return found


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def strike(victim, process, ranks, choose):
    doomed = {"rank": [choose.choice(ranks)], "ranks": ranks, "mpirun": [process.pid]}[victim]
    for pid in doomed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def kill_once(study, choose, undisturbed):
    """Starts the study and kills it within the time that it takes undisturbed; nothing where it ended before."""
    victim = choose.choice(["rank", "ranks", "mpirun"])
    wait, for_a_file = choose.uniform(0, undisturbed), choose.random() < 0.5
    process = study.start()
    begun = time.monotonic()
    moment = ""
    ranks = []
    while process.poll() is None:
        ranks = ranks or ranks_of(process)
        elapsed = time.monotonic() - begun
        if elapsed >= wait:
            moment = study.half_written() if for_a_file else "time"
            if moment:
                break
        time.sleep(0.002 if for_a_file else 0.02)
    else:
        if process.returncode != 0:
            raise AssertionError("a run that nobody had killed failed:\n" + study.said())
        return None
    elapsed = time.monotonic() - begun
    strike(victim, process, ranks or [process.pid], choose)
    deadline = time.monotonic() + ENDED_WITHIN
    while process.poll() is None or any(map(alive, ranks)):
        if time.monotonic() > deadline:
            raise AssertionError(f"{ENDED_WITHIN} s after {victim} had been killed, ranks {[r for r in ranks if alive(r)]} of {ranks} "
                                 "still ran:\n" + study.said())
        time.sleep(0.02)
    lines = [line for line in study.said().splitlines() if line.startswith("[")]
    return Kill(victim, moment, round(elapsed, 2), lines[-1][11:] if lines else "")


def differences(found, expected):
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) == expected.get(name):
            continue
        if isinstance(found.get(name), list) and isinstance(expected.get(name), list):
            here, there = set(found[name]) - set(expected[name]), set(expected[name]) - set(found[name])
            yield f"{name}: {len(here)} rows differ, such as {min(here, default='none')}, expected {min(there, default='none')}"
        else:
            yield f"{name}: {found.get(name)}, expected {expected.get(name)}"


def kill_many(count, seed, per_study, say, record=lambda kills: None, arrangements=(1, RANKS), **of_study):
    """`count` kills of a study, `per_study` of them before it is let to its end, with so many ranks a trial in turn. `record` gets
    those of each study that ended as it should. Throws AssertionError where something differs."""
    choose = random.Random(seed)
    expected, undisturbed = {}, {}
    for ranks_per_trial in arrangements:
        with tempfile.TemporaryDirectory() as folder:
            study = Study(folder, ranks_per_trial, **of_study)
            begun = time.monotonic()
            study.run_to_the_end()
            undisturbed[ranks_per_trial] = time.monotonic() - begun
            expected[ranks_per_trial] = study.found()
            say(f"undisturbed, {ranks_per_trial} rank(s) a trial: {undisturbed[ranks_per_trial]:.1f} s")
    done = 0
    while done < count:
        ranks_per_trial = arrangements[done // per_study % len(arrangements)]
        with tempfile.TemporaryDirectory() as folder:
            study = Study(folder, ranks_per_trial, **of_study)
            kills = []
            while len(kills) < min(per_study, count - done):
                kill = kill_once(study, choose, undisturbed[ranks_per_trial])
                if kill is None:
                    break
                kills.append({"ranks_per_trial": ranks_per_trial, **dataclasses.asdict(kill)})
            study.run_to_the_end()
            wrong = list(differences(study.found(), expected[ranks_per_trial]))
            if wrong:
                raise AssertionError("\n".join([*map(str, kills), *wrong]))
            record(kills)
            done += len(kills)
            if kills:
                say(f"{done} of {count} kills: the same to the bit")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=200, help="kills in this run (default: %(default)s)")
    parser.add_argument("--file", type=pathlib.Path, default=pathlib.Path("results/faults/kills.jsonl"),
                        help="to which each kill that was made good is added, a line each (default: %(default)s)")
    parser.add_argument("--per-study", type=int, default=5, help="kills before a study is let to its end (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of the moments (default: the number of lines in the file)")
    options = parser.parse_args()
    options.file.parent.mkdir(parents=True, exist_ok=True)
    before = options.file.read_text().splitlines() if options.file.exists() else []
    version = subprocess.run(["git", "describe", "--always", "--dirty"], text=True, capture_output=True, check=False,
                             cwd=pathlib.Path(__file__).parent).stdout.strip()

    def record(kills):
        with open(options.file, "a", encoding="utf-8") as file:
            file.writelines(json.dumps({"commit": version, **kill}) + "\n" for kill in kills)

    kill_many(options.count, len(before) if options.seed is None else options.seed, options.per_study,
              lambda line: print(line, flush=True), record)
    kills = [json.loads(line) for line in options.file.read_text().splitlines()]
    print(f"{len(kills)} kills in {options.file}, each the same to the bit in the end:")
    for key in ("commit", "ranks_per_trial", "victim", "moment"):
        print(f"  {key}: " + ", ".join(f"{value} {n}" for value, n in collections.Counter(k[key] for k in kills).most_common()))


if __name__ == "__main__":
    main()
