"""ranks.py PROGRAM: what a step of two ranks waits for, in parts of the step, medians over steps.

    ranks.py PROGRAM --width 16 --side 128 --norm none --precision fp32     # any of them may be several

Gradient buckets count from when the last gradient was there until all were averaged: what the backward pass did not
hide, waiting for a slower rank included. Both ranks have one thread, on whichever core. bf16 is left out on a CPU that
would emulate it.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
import rows
import train_step as peers

TARGET = 0.05


def row(options, width, side, norm, precision):
    words = [options.program, width, side, norm, precision, options.steps]
    out = subprocess.run(["mpirun", "-n", "2", *map(str, words)], check=True, capture_output=True, text=True).stdout
    found = json.loads(out)
    parts = {name: peers.quartiles([a / b for a, b in zip(found[name], found["step"])])
             for name in ("buckets", "loss", "norm")}
    percent = lambda part: f"{100 * part[1]:.1f} ({100 * part[0]:.1f} to {100 * part[2]:.1f})"
    print(f"| {precision} | {width} | {norm} | {side} x {side} | {1000 * statistics.median(found['step']):.0f} | " +
          " | ".join(percent(part) for part in parts.values()) + " |", flush=True)
    rows.add(f"buckets not hidden, {precision}, width {width}, {norm}, {side}²", f"< {100 * TARGET:.0f} %",
             f"{percent(parts['buckets'])} %; loss {percent(parts['loss'])} %, norm {percent(parts['norm'])} %",
             parts["buckets"][2] < TARGET)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--width", type=int, nargs="+", default=[16])
    parser.add_argument("--side", type=int, nargs="+", default=[128])
    parser.add_argument("--norm", nargs="+", default=["none", "batch"])
    parser.add_argument("--precision", nargs="+", default=list(peers.PRECISIONS))
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    print(f"a step of two ranks, {peers.BATCH} slices in all; {peers.machine('cpu')}; {options.steps} steps; "
          "ms, and % of the step: medians and quartiles")
    print("| precision | width | norm | slices | ms a step | buckets | loss | batch norm |")
    print("| --- | ---: | --- | --- | ---: | ---: | ---: | ---: |")
    for precision in peers.computed(options.precision):
        for width in options.width:
            for norm in options.norm:
                for side in options.side:
                    row(options, width, side, norm, precision)


if __name__ == "__main__":
    main()
