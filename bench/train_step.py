"""train_step.py PROGRAM: a training step of Crossfade beside the same step in PyTorch under each of its settings.

    train_step.py PROGRAM --width 16 --side 128 --norm none --precision fp32 --threads 1     # any of them may be several

Rounds alternate between all of them, so that a machine whose speed drifts slows all alike; a ratio is peer over ours in
one round, and printed are its quartiles over rounds. Beside them the step's convolutions alone, timed in the same
rounds: what no step can be faster than. A target is met where the lower quartile meets it.
"""

import argparse
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
import rows
import train_step as peers
from ours import measure

TARGET, OF_THE_BEST = 1.2, 0.9  # at least the first, or the second times what convolutions alone would give
SHARE, MEMORY = 0.8, 0.8  # of a step, its convolutions alone, at least; of the peer's peak of tensors, at most
ALONE = "its convolutions alone"


def ours(options, work, precision, threads):
    """What the program says of one step: real_time in ms, tensors_mib and resident_mib."""
    name = (f"{work.device}_{precision}_{work.norm}/width:{work.width}/side:{work.side}/batch:{peers.BATCH}/"
            f"threads:{threads}/")
    return measure(options.program, name, f"--benchmark_min_time={options.seconds}")


def row(options, work, precision, threads):
    peers.use_threads(threads)
    settings = peers.settings_for(work.device)
    runs = {setting.name: peers.Step(work, setting, precision) for setting in settings}
    runs[ALONE] = peers.Convolutions(work, precision)
    for run in runs.values():
        for _ in range(3):
            run()
    times = {name: [] for name in ["Crossfade", *runs]}
    for _ in range(options.rounds):
        said = ours(options, work, precision, threads)
        times["Crossfade"].append(said["real_time"])
        for name, run in runs.items():
            times[name].append(peers.milliseconds(run, options.seconds, work.device))
    middle = lambda values: peers.quartiles(values)[1]
    over = lambda name: [peer / own for peer, own in zip(times[name], times["Crossfade"])]
    best = min((setting.name for setting in settings), key=lambda name: middle(times[name]))
    ratios = peers.quartiles(over(best))
    floor = middle([peer / alone for peer, alone in zip(times[best], times[ALONE])])
    target = min(TARGET, OF_THE_BEST * floor)
    share = middle(over(ALONE))
    sizes = peers.memory(work, next(s for s in settings if s.name == best), precision, threads)
    what = f"{precision}, width {work.width}, {work.norm}, {work.side}², threads {threads}"
    rows.add(f"training step, {what}", f"{target:.2f}", rows.spread(*ratios), ratios[0] >= target)
    rows.add(f"convolutions' share, {what}", f"{100 * SHARE:.0f} %", f"{100 * share:.0f} %", share >= SHARE)
    rows.add(f"peak of tensors, {what}", f"≤ {MEMORY}", f"{said['tensors_mib'] * 2**20 / sizes[0]:.2f}",
             said["tensors_mib"] * 2**20 <= MEMORY * sizes[0])
    cells = [precision, work.width, work.norm, f"{work.side} x {work.side}", threads,
             f"{middle(times['Crossfade']):.1f}", *(f"{middle(over(s.name)):.2f}" for s in settings),
             rows.spread(*ratios), f"{target:.2f}",
             "yes" if ratios[0] >= target else "no", f"{100 * share:.0f} %",
             f"{said['tensors_mib']:.0f} of {sizes[0] / 2**20:.0f}", f"{said['resident_mib']:.0f} of {sizes[1] / 2**20:.0f}"]
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--width", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--side", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--norm", nargs="+", default=["none", "batch"])
    parser.add_argument("--precision", nargs="+", default=list(peers.PRECISIONS))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each in a round")
    options = parser.parse_args()
    peers.keep_freed_memory()
    peers.tune()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    names = [setting.name for setting in peers.settings_for(device)]
    print(f"U-Net of depth {peers.DEPTH}, {peers.BATCH} slices, {peers.CLASSES} classes, Adam; "
          f"{peers.machine(device)}; torch {torch.__version__}; "
          f"{options.rounds} rounds; ms a step and peer / Crossfade, medians")
    heads = ["precision", "width", "norm", "slices", "threads", "Crossfade, ms", *names, "the best of them (quartiles)",
             "target", "met", "convolutions' share", "tensors, MiB", "resident, MiB"]
    print("| " + " | ".join(heads) + " |")
    print("| --- | ---: | --- | --- |" + " ---: |" * (len(heads) - 4))
    for precision in options.precision:
        for width in options.width:
            for norm in options.norm:
                for side in options.side:
                    for threads in options.threads if device == "cpu" else [1]:
                        row(options, peers.Work(width, side, norm, device), precision, threads)


if __name__ == "__main__":
    main()
