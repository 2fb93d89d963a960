"""forest.py RUNNER: a sweep of 4 x 3 switch points with shared beginnings and with --no-share, in rounds that alternate.

Printed are the quartiles of shared over alone: of the seconds that training and validation took, each counted once, and
of the wall time of the command, cohorts made beforehand, on two ranks with a trial each.
"""

import argparse
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

GRID = """\
study: sweep
cohorts:
  phantom: {{source: phantom, subjects: 12, size: {side}, split: {{train: 8, validation: 2, test: 2}}}}
run: {{ranks_per_trial: 1, threads: 1}}
defaults:
  seeds: [1, 2]
  model: {{name: unet, width: {width}, norm: batch}}
  stages: {{pretrain: {{cohort: phantom, epochs: 20, batch: 8}}}}
variants:
"""
VARIANT = '  "{0} {1}": {{loss: {{wce: {{step: {{0: 1, {1}: 0}}}}, wdice: {{step: {{0: 0, {0}: 1}}}}}}}}\n'


def trained(database):
    """Seconds of all epochs, those that are shared once."""
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT sum(seconds_train + seconds_validate - seconds_shared) FROM epoch").fetchone()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--width", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        grid = folder / "sweep.yaml"
        grid.write_text(GRID.format(side=options.side, width=options.width) +
                        "".join(VARIANT.format(first, second) for first in FIRST for second in SECOND))
        command = ["mpirun", "-n", "2", options.runner.resolve(), "--grid", grid, "--cohorts", folder / "cohorts"]
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


if __name__ == "__main__":
    main()
