"""Rows of one table over all of bench/: `scripts/bench` gathers what each program found, and prints it at the end.

Each program adds its rows to the file that CROSSFADE_BENCH_ROWS names, a line of JSON each; without it, to nothing.

    rows.py FILE        # prints them
"""

import json
import os
import sys


def add(work, target, measured, met):
    """What was done, what was to be reached, what came of it, and whether it was reached (None: cannot be said)."""
    if path := os.environ.get("CROSSFADE_BENCH_ROWS"):
        with open(path, "a") as file:
            print(json.dumps([work, target, measured, {True: "yes", False: "no", None: "–"}[met]]), file=file)


def spread(low, middle, high):
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    print("| work | target | measured | met |")
    print("| --- | --- | --- | --- |")
    for line in open(sys.argv[1]):
        print("| " + " | ".join(json.loads(line)) + " |")
