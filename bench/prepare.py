"""prepare.py PROGRAM [--before RUNNER --now RUNNER]: what preparing a subject takes, by stage.

With two runners: the 22 phantoms of experiments/table1.yaml on all cores, made by each in turn, and whether they are
the same to the byte. Printed are the quartiles of the first's time over the second's.
"""

import argparse
import filecmp
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
import rows
import train_step as peers

# As experiments/table1.yaml has its cohort.
COHORT = ("--source phantom --subjects 22 --size 96 --scans_per_subject 4 --label_bias.pallidum_mm 1.5 "
          "--label_bias.amygdala_mm -1.5 --label_bias.ventricles_mm 1.5 --label_bias.noise_mm 0.5").split()
TARGET = 2


def seconds(runner, output):
    begin = time.perf_counter()
    subprocess.run([runner, "prepare", *COHORT, "--output", output], check=True, capture_output=True)
    return time.perf_counter() - begin


def same(one, other):
    names = sorted(path.name for path in one.glob("*.h5"))
    return len(names) == 22 and filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--before", type=pathlib.Path)
    parser.add_argument("--now", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    subprocess.run([options.program], check=True)
    if not options.before or not options.now:
        return
    pairs = []
    for n in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            before, now = pathlib.Path(folder) / "before", pathlib.Path(folder) / "now"
            pairs.append((seconds(options.before, before), seconds(options.now, now)))
            print(f"round {n + 1}: before {pairs[-1][0]:.1f} s, now {pairs[-1][1]:.1f} s", file=sys.stderr, flush=True)
            if not same(before, now):
                sys.exit("the shards are not the same to the byte")
    ratios = peers.quartiles([before / now for before, now in pairs])
    print(f"22 phantoms, before / now: {rows.spread(*ratios)}, shards the same to the byte")
    rows.add("preparing the 22 phantoms of table1.yaml, before / now, same bytes", str(TARGET), rows.spread(*ratios),
             ratios[0] >= TARGET)


if __name__ == "__main__":
    main()
