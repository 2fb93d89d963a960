"""forest.py RUNNER: a sweep of 4 x 3 switch points with shared beginnings and with --no-share, in rounds that alternate.

Printed are the quartiles of shared over alone: of the seconds that training and validation took, each counted once, and
of the wall time of the command, cohorts made beforehand, on two ranks with a trial each.

    forest.py RUNNER --leaves        # instead, once: 1,000 leaves, 10 x 10 switch points of 10 seeds

Of these, the share of the ranks' wall time that is neither training nor validation nor prediction and scoring of test
subjects, the start of the program, its tables and figures with it.
"""

import argparse
import os
import pathlib
import sqlite3
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
import rows
from ours import seconds
import train_step as peers

FIRST, SECOND = (0.2, 0.3, 0.4, 0.5), (0.6, 0.7, 0.8)
TRAINING, WALL = 0.50, 0.58  # at most; of the steps 0.49
LEAVES_FIRST = [round(0.05 + 0.01 * n, 2) for n in range(10)]
LEAVES_SECOND = [round(0.27 + 0.01 * n, 2) for n in range(10)]
OUTSIDE, SHORTEST = 0.05, 5  # of the wall time, below; seconds that each of the leaves trains for itself, at least

GRID = """\
study: sweep
cohorts:
  phantom: {{source: phantom, subjects: 12, size: {side}, split: {{train: 8, validation: 2, test: 2}}}}
run: {{ranks_per_trial: 1, threads: 1, pictures: false}}
defaults:
  seeds: {seeds}
  model: {{name: unet, width: {width}, norm: batch}}
  stages: {{pretrain: {{cohort: phantom, epochs: {epochs}, batch: 8}}}}
variants:
"""
VARIANT = '  "{0} {1}": {{loss: {{wce: {{step: {{0: 1, {1}: 0}}}}, wdice: {{step: {{0: 0, {0}: 1}}}}}}}}\n'


def grid(options, first, second, seeds, epochs):
    head = GRID.format(side=options.side, width=options.width, seeds=seeds, epochs=epochs)
    return head + "".join(VARIANT.format(a, b) for a in first for b in second)


def ask(database, sql):
    with sqlite3.connect(database) as connection:
        return connection.execute(sql).fetchone()[0]


def trained(database):
    """Seconds of all epochs, those that are shared once."""
    return ask(database, "SELECT sum(seconds_train + seconds_validate - seconds_shared) FROM epoch")


def sweep(options, folder):
    file = folder / "sweep.yaml"
    file.write_text(grid(options, FIRST, SECOND, [1, 2], 20))
    command = ["mpirun", "-n", "2", options.runner.resolve(), "--grid", file, "--cohorts", folder / "cohorts"]
    seconds([*command, "--results", folder / "warm-up.sqlite", "--only", '0.5 0.8 (seed 1)'], folder)
    ratios = {"training and validation": [], "wall": []}
    for number in range(options.rounds):
        found = {}
        for how in (["--no-share"], []):
            database = folder / f"{number}{len(how)}.sqlite"
            wall = seconds([*command, "--results", database, *how], folder)
            found[len(how)] = (trained(database), wall)
        for kind, shared, alone in zip(ratios, found[0], found[1]):
            ratios[kind].append(shared / alone)
            print(f"round {number + 1}: {kind} {shared:.1f} s shared, {alone:.1f} s alone", flush=True)
    work = f"sweep of 4 x 3 switch points, 2 seeds, U-Net of width {options.width}, {options.side}²"
    print(f"{work}; {peers.machine('cpu')}; shared over alone, medians and quartiles of {options.rounds} rounds")
    for (kind, values), target in zip(ratios.items(), (TRAINING, WALL)):
        low, middle, high = peers.quartiles(values)
        print(f"{kind}: {rows.spread(low, middle, high)}")
        rows.add(f"{work}: {kind}", f"≤ {target:.2f} of --no-share", rows.spread(low, middle, high), high <= target)


def leaves(options, folder):
    file = folder / "sweep.yaml"
    file.write_text(grid(options, LEAVES_FIRST, LEAVES_SECOND, list(range(1, options.seeds + 1)), options.epochs))
    command = ["mpirun", "-n", "2", options.runner.resolve(), "--grid", file, "--cohorts", folder / "cohorts"]
    seconds([*command, "--results", folder / "warm-up.sqlite", "--only", '0.05 0.27 (seed 1)'], folder)
    database = folder / "leaves.sqlite"
    wall = seconds([*command, "--results", database], folder)
    own = ask(database, """SELECT min(own) FROM (SELECT sum(e.seconds_train - e.seconds_shared) AS own
                           FROM epoch e JOIN stage s ON s.id = e.stage_id GROUP BY s.trial_id)""")
    inside = trained(database) + ask(database, "SELECT sum(seconds_score) FROM stage")
    count = ask(database, "SELECT count(*) FROM trial WHERE state = 'finished'")
    outside = 1 - inside / (2 * wall)
    work = f"{count} leaves of {options.epochs} epochs, U-Net of width {options.width}, {options.side}²"
    print(f"{work}; {peers.machine('cpu')}; {wall:.0f} s on two ranks, the shortest trained {own:.1f} s for itself; outside "
          f"training, validation and scoring: {100 * outside:.1f} %")
    rows.add(f"{work}: outside training, validation and scoring", f"< {100 * OUTSIDE:.0f} %", f"{100 * outside:.1f} %",
             outside < OUTSIDE if own >= SHORTEST else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--leaves", action="store_true", help="the share of time outside training, once")
    parser.add_argument("--epochs", type=int, default=6, help="of each of the leaves")
    parser.add_argument("--seeds", type=int, default=10, help="of the leaves: 100 each")
    options = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what is printed is said of this processor
    with tempfile.TemporaryDirectory() as name:
        (leaves if options.leaves else sweep)(options, pathlib.Path(name))


if __name__ == "__main__":
    main()
