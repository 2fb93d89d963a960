"""train_step.py PROGRAM: a training step of Crossfade beside the same step in eager PyTorch with MONAI's DiceCELoss.

Rounds alternate between the two, so that a machine whose speed drifts slows both; the ratio is that of the medians.
Where there is a GPU, steps on it as well; both sides then round convolutions to TF32, as PyTorch does by default.
"""

import json
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import torch
from monai.losses import DiceCELoss

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
from unet import UNet

BATCH, CLASSES, ROUNDS, SECONDS = 8, 28, 5, 4


class Row:
    """A line of the table. `name` is that of the benchmark in train_step.cpp."""

    def __init__(self, name, width, side, norm="none", threads=1, device="cpu"):
        self.name, self.width, self.side, self.norm, self.threads, self.device = name, width, side, norm, threads, device

    def ours(self, program):
        """Milliseconds a step."""
        name = f"{self.name}/width:{self.width}/side:{self.side}/batch:{BATCH}/threads:{self.threads}/"
        out = subprocess.run([program, f"--benchmark_filter=^{name}", "--benchmark_format=json"], check=True,
                             capture_output=True, text=True).stdout
        return json.loads(out)["benchmarks"][0]["real_time"]


class Peer:
    def __init__(self, row, memory_format):
        torch.manual_seed(1)
        self.row = row
        self.net = UNet(row.width, 4, 1, CLASSES, row.norm).to(row.device, memory_format=memory_format)
        self.images = torch.randn(BATCH, 1, row.side, row.side).to(row.device, memory_format=memory_format)
        self.labels = torch.randint(CLASSES, (BATCH, 1, row.side, row.side), device=row.device)
        self.loss = DiceCELoss(to_onehot_y=True, softmax=True, batch=True)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3)

    def step(self):
        self.optimizer.zero_grad()
        self.loss(self.net(self.images), self.labels).backward()
        self.optimizer.step()

    def wait(self):
        if self.row.device == "cuda":
            torch.cuda.synchronize()

    def milliseconds(self):
        torch.set_num_threads(self.row.threads)
        for _ in range(2):
            self.step()
        self.wait()
        begin, steps = time.perf_counter(), 0
        while time.perf_counter() < begin + SECONDS:
            self.step()
            steps += 1
        self.wait()
        return (time.perf_counter() - begin) / steps * 1e3


rows = [Row("train_step", 16, 128, threads=1), Row("train_step", 16, 128, threads=2)]
device = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
              platform.processor())
if torch.cuda.is_available():
    rows = [Row("train_step_gpu", 16, 128, device="cuda"), Row("train_step_gpu", 64, 256, device="cuda"),
            Row("train_step_gpu_batch_norm", 64, 256, "batch", device="cuda")]
    device = torch.cuda.get_device_name()
print(f"U-Net, {BATCH} slices, {CLASSES} classes, Adam; {device}; medians of {ROUNDS} rounds in ms a step")
print("| U-Net of width | norm | slices | threads | Crossfade | PyTorch eager + MONAI | ratio | the same, channels-last | ratio |")
print("| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
for row in rows:
    peers = [Peer(row, torch.contiguous_format), Peer(row, torch.channels_last)]
    rounds = [(row.ours(sys.argv[1]), *(peer.milliseconds() for peer in peers)) for _ in range(ROUNDS)]
    mine, plain, last = (statistics.median(column) for column in zip(*rounds))
    print(f"| {row.width} | {row.norm} | {row.side} x {row.side} | {row.threads} | {mine:.1f} | {plain:.1f} | {plain / mine:.2f} "
          f"| {last:.1f} | {last / mine:.2f} |")
