"""Crossfade's side of a comparison: one of bench/'s programs of Google Benchmark, or a command as a whole."""

import json
import subprocess
import sys
import time


def measure(program, benchmark, *options):
    """What it says of the benchmark whose name begins so: real_time in its unit, and its counters."""
    out = subprocess.run([program, f"--benchmark_filter=^{benchmark}", "--benchmark_format=json", *options], check=True,
                         capture_output=True, text=True).stdout
    return json.loads(out)["benchmarks"][0]


def seconds(command, folder):
    """Wall time of a command; ends the program where it fails."""
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - begin
