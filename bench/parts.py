"""parts.py PROGRAM: the parts of training beside the step, and the evaluation of a volume over the bare forward pass."""

import json
import pathlib
import subprocess
import sys
import tempfile

import rows

TARGET = 1.05  # of evaluation: at most, met where the upper quartile is

with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "parts.json"
    subprocess.run([sys.argv[1], *sys.argv[2:], f"--benchmark_out={file}", "--benchmark_out_format=json"], check=True)
    for found in json.loads(file.read_text())["benchmarks"]:
        if "over_forward" not in found:
            continue
        precision, side, threads = (part.split("_")[-1].split(":")[-1] for part in found["name"].split("/")[:3])
        quartiles = [found[f"over_forward{which}"] for which in ("_low", "", "_high")]
        rows.add(f"evaluation over forward, {precision}, {side}³, threads {threads}", f"≤ {TARGET}",
                 rows.spread(*quartiles), quartiles[2] <= TARGET)
