"""Crossfade's side of a comparison: one of bench/'s programs of Google Benchmark."""

import json
import subprocess


def measure(program, benchmark, *options):
    """What it says of the benchmark whose name begins so: real_time in its unit, and its counters."""
    out = subprocess.run([program, f"--benchmark_filter=^{benchmark}", "--benchmark_format=json", *options], check=True,
                         capture_output=True, text=True).stdout
    return json.loads(out)["benchmarks"][0]
