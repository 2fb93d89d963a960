"""train_step.py PROGRAM: a training step of Crossfade beside the same step in PyTorch under each of its settings.

    train_step.py PROGRAM --width 16 --side 128 --norm none --precision fp32 --threads 1     # any of them may be several

Rounds alternate between all of them, so that a machine whose speed drifts slows all alike; a ratio is peer over ours in
one round, and printed are its quartiles over rounds. Beside them the step's convolutions alone, as PyTorch makes them,
timed in the same rounds. A target is met where the lower quartile meets it. Where there is a GPU, it is measured after
the CPU, each work as the runner does it and with run.cuda_graph.
"""

import argparse
import itertools
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
import rows
import train_step as peers
from ours import measure

TARGET, OF_THE_BEST = 1.2, 0.9  # at least the first, or the second times what convolutions alone would give
TARGET_ON_GPU = 1.1
WIDTHS = {"cpu": [16, 32], "cuda": [16, 64]}
SHARE, MEMORY = 0.8, 0.8  # of a step, its convolutions alone, at least; of the peer's peak of tensors, at most
ALONE = "its convolutions alone"


def ours(options, work, precision, threads, graph):
    """What the program says of one step: real_time in ms, tensors_mib and resident_mib."""
    device = work.device + ("_graph" if graph else "")
    name = (f"{device}_{precision}_{work.norm}/width:{work.width}/side:{work.side}/batch:{peers.BATCH}/"
            f"threads:{threads}/")
    return measure(options.program, name, f"--benchmark_min_time={options.seconds}")


def row(options, work, precision, threads, graph):
    peers.use_threads(threads)
    settings = peers.settings_for(work.device)
    runs = {setting.name: peers.Step(work, setting, precision) for setting in settings}
    runs[ALONE] = peers.Convolutions(work, precision)
    for run in runs.values():
        for _ in range(3):
            run()
    times = {name: [] for name in ["Crossfade", *runs]}
    for _ in range(options.rounds):
        said = ours(options, work, precision, threads, graph)
        times["Crossfade"].append(said["real_time"])
        for name, run in runs.items():
            times[name].append(peers.milliseconds(run, options.seconds, work.device))
    middle = lambda values: peers.quartiles(values)[1]
    over = lambda name: [peer / own for peer, own in zip(times[name], times["Crossfade"])]
    best = min((setting.name for setting in settings), key=lambda name: middle(times[name]))
    ratios = peers.quartiles(over(best))
    floor = middle([peer / alone for peer, alone in zip(times[best], times[ALONE])])
    target = TARGET_ON_GPU if work.device == "cuda" else min(TARGET, OF_THE_BEST * floor)
    share = peers.quartiles(over(ALONE))
    percent = "{1:.0f} % ({0:.0f} to {2:.0f})".format(*(100 * part for part in share))
    sizes = peers.memory(work, next(s for s in settings if s.name == best), precision, threads)
    kind = precision + (", CUDA graph" if graph else "")
    where = "GPU" if work.device == "cuda" else f"threads {threads}"
    what = f"{kind}, width {work.width}, {work.norm}, {work.side}², {where}"
    rows.add(f"training step, {what}", f"{target:.2f}", rows.spread(*ratios), ratios[0] >= target)
    rows.add(f"convolutions' share, {what}", f"{100 * SHARE:.0f} %", percent, share[0] >= SHARE)
    if not graph:  # whose replay allocates nothing
        rows.add(f"peak of tensors, {what}", f"≤ {MEMORY}", f"{said['tensors_mib'] * 2**20 / sizes[0]:.2f}",
                 said["tensors_mib"] * 2**20 <= MEMORY * sizes[0])
    cells = [kind, work.width, work.norm, f"{work.side} x {work.side}", threads,
             f"{middle(times['Crossfade']):.1f}", *(rows.spread(*peers.quartiles(over(s.name))) for s in settings),
             rows.spread(*ratios), f"{target:.2f}", "yes" if ratios[0] >= target else "no", percent,
             f"{said['tensors_mib']:.0f} of {sizes[0] / 2**20:.0f}", f"{said['resident_mib']:.0f} of {sizes[1] / 2**20:.0f}"]
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def table(options, device):
    names = [setting.name for setting in peers.settings_for(device)]
    print(f"U-Net of depth {peers.DEPTH}, {peers.BATCH} slices, {peers.CLASSES} classes, Adam; "
          f"{peers.machine(device)}; torch {torch.__version__}; "
          f"{options.rounds} rounds; ms a step and peer / Crossfade, medians and quartiles")
    heads = ["precision", "width", "norm", "slices", "threads", "Crossfade, ms", *names, "the best of them", "target",
             "met", "convolutions' share", "tensors, MiB", "resident, MiB"]
    print("| " + " | ".join(heads) + " |")
    print("| --- | ---: | --- | --- |" + " ---: |" * (len(heads) - 4))
    on = [(threads, False) for threads in options.threads] if device == "cpu" else [(1, False), (1, True)]
    for precision, width, norm, side, (threads, graph) in itertools.product(
            peers.computed(options.precision, device), options.width or WIDTHS[device], options.norm, options.side, on):
        row(options, peers.Work(width, side, norm, device), precision, threads, graph)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--device", nargs="+", choices=list(WIDTHS),
                        default=["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
    parser.add_argument("--width", type=int, nargs="+", help="default: 16 and 32, on a GPU 16 and 64")
    parser.add_argument("--side", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--norm", nargs="+", default=["none", "batch"])
    parser.add_argument("--precision", nargs="+", default=list(peers.PRECISIONS),
                        help="bf16 is left out on a CPU that would emulate it")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each in a round")
    options = parser.parse_args()
    peers.keep_freed_memory()
    peers.tune()
    for device in options.device:
        table(options, device)


if __name__ == "__main__":
    main()
