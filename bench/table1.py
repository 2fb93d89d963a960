"""table1.py RUNNER: experiments/table1.yaml, one seed and 3 epochs a stage, beside bench/peers/table1.py.

Both train, validate and score the same trials as two processes of one thread, on the same two cores; shards are made
beforehand. Crossfade also writes its database, tables and figures, and the peer starts Python and imports PyTorch: each
is timed as one command. The peer runs eager and with its QuickNAT compiled, which pays from some epochs on
(bench/peers/table1.py); the ratio is to the faster one. Of 30 epochs (3 a stage) Crossfade trains 28.8: scheduling
takes its first 40 % over from w-CE, which the peer trains anew. Rounds alternate; printed are the quartiles of peer over ours.
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

ROOT = pathlib.Path(__file__).parents[1]
FINETUNED = ["U-Net, loss scheduling", "U-Net, loss scheduling (control)", "QuickNAT, fixed w-CE + boundary + Dice",
             "U-Net, fixed w-CE + boundary + Dice"]
PEERS = {"eager": [], "QuickNAT compiled": ["--compiled", "quicknat"]}
TARGET, WAITING = 1.5, 0.01  # peer over ours; of the seconds of training, those that wait for data


def waiting(database):
    """Which part of the seconds of training waited for batches."""
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT sum(seconds_data) / sum(seconds_train) FROM epoch").fetchone()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--precision", choices=peers.PRECISIONS, default="fp32")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--cohorts", type=pathlib.Path, help="folder of prepared cohorts; default: made anew")
    options = parser.parse_args()
    peers.use_threads(2)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the peer computes on CPUs
    sets = [f"stages.pretrain.epochs={options.epochs}", "seeds=[1]", "run.ranks_per_trial=1", "run.threads=1",
            f"precision={options.precision}"]
    sets += [f"variants.{name}.stages.finetune.epochs={options.epochs}" for name in FINETUNED]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cohorts = (options.cohorts or folder / "cohorts").resolve()
        ours = ["mpirun", "-n", "2", options.runner.resolve(), "--grid", ROOT / "experiments/table1.yaml", "--cohorts",
                cohorts] + [word for text in sets for word in ("--set", text)]
        own = lambda results: seconds([*ours, "--results", folder / results / "table1.sqlite"], folder)
        if not options.cohorts:
            own("warm-up")
        cohort, = (path for path in cohorts.iterdir() if path.is_dir())
        peer = [sys.executable, ROOT / "bench/peers/table1.py", cohort, "--epochs", str(options.epochs), "--precision",
                options.precision]
        mine, theirs, waits = [], {name: [] for name in options.peers}, []
        for n in range(options.rounds):
            mine.append(own(f"round{n}"))
            waits.append(waiting(folder / f"round{n}" / "table1.sqlite"))
            for name, times in theirs.items():
                times.append(seconds([*peer, *PEERS[name]], folder))
            said = ", ".join(f"{name} {times[-1]:.1f} s" for name, times in theirs.items())
            print(f"round {n + 1}: Crossfade {mine[-1]:.1f} s, peer {said}", file=sys.stderr, flush=True)
    best = min(theirs, key=lambda name: peers.quartiles(theirs[name])[1])
    ratios = {name: peers.quartiles([b / a for a, b in zip(mine, times)]) for name, times in theirs.items()}
    low, middle, high = ratios[best]
    print(f"experiments/table1.yaml, {options.epochs} epochs a stage, seed 1, {options.precision}; {peers.machine('cpu')}; "
          f"{options.rounds} rounds")
    print("| peer | Crossfade, s | peer, s | peer / Crossfade | target | met | waiting for data |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    waits = [100 * part for part in peers.quartiles(waits)]
    for name, times in theirs.items():
        print(f"| {name} | {peers.quartiles(mine)[1]:.1f} | {peers.quartiles(times)[1]:.1f} | {rows.spread(*ratios[name])} | "
              f"{TARGET} | {'yes' if ratios[name][0] >= TARGET else 'no'} | {rows.spread(*waits)} % |")
    work = f"table1.yaml, {options.epochs} epochs a stage, {options.precision}"
    rows.add(f"{work}, peer {best}", str(TARGET), rows.spread(low, middle, high), low >= TARGET)
    rows.add(f"waiting for data, {work}", f"< {100 * WAITING:.0f} % of the training", f"{rows.spread(*waits)} %",
             waits[2] < 100 * WAITING)


if __name__ == "__main__":
    main()
