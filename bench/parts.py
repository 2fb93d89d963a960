"""parts.py PROGRAM: the parts of training beside the step, and the evaluation of a volume over the bare forward pass.

Threads are pinned, each to a core of its own. What is of bf16 is left out on a CPU that would emulate it.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
import rows
import train_step as peers

TARGET = 1.05  # of evaluation: at most, met where the upper quartile is


def names(program):
    out = subprocess.run([program, "--benchmark_list_tests"], check=True, capture_output=True, text=True).stdout
    computes_bf16 = peers.computes_bf16()
    return [name for name in out.split() if computes_bf16 or "bf16" not in name]


def main():
    program = sys.argv[1]
    all_names = names(program)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "parts.json"
        for threads in (1, 2):
            peers.use_threads(threads)
            chosen = [name for name in all_names if ("threads:2" in name) == (threads == 2)]
            subprocess.run([program, f"--benchmark_filter=^({'|'.join(chosen)})$", *sys.argv[2:],
                            f"--benchmark_out={file}", "--benchmark_out_format=json"], check=True)
            for found in json.loads(file.read_text())["benchmarks"]:
                if "over_forward" not in found:
                    continue
                precision, side = (part.split("_")[-1].split(":")[-1] for part in found["name"].split("/")[:2])
                quartiles = [found[f"over_forward{which}"] for which in ("_low", "", "_high")]
                rows.add(f"evaluation over forward, {precision}, {side}³, threads {threads}", f"≤ {TARGET}",
                         rows.spread(*quartiles), quartiles[2] <= TARGET)


if __name__ == "__main__":
    main()
