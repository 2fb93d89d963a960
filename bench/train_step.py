"""train_step.py PROGRAM: a training step of Crossfade beside the same step in eager PyTorch with MONAI's DiceCELoss.

Rounds alternate between the two, so that a machine whose speed drifts slows both; the ratio is that of the medians.
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

WIDTH, SIDE, BATCH, CLASSES, ROUNDS, SECONDS = 16, 128, 8, 28, 5, 4


def ours(program, threads):
    """Milliseconds a step."""
    name = f"train_step/width:{WIDTH}/side:{SIDE}/batch:{BATCH}/threads:{threads}/"
    out = subprocess.run([program, f"--benchmark_filter=^{name}", "--benchmark_format=json"], check=True,
                         capture_output=True, text=True).stdout
    return json.loads(out)["benchmarks"][0]["real_time"]


class Peer:
    def __init__(self, memory_format):
        torch.manual_seed(1)
        self.net = UNet(WIDTH, 4, 1, CLASSES).to(memory_format=memory_format)
        self.images = torch.randn(BATCH, 1, SIDE, SIDE).to(memory_format=memory_format)
        self.labels = torch.randint(CLASSES, (BATCH, 1, SIDE, SIDE))
        self.loss = DiceCELoss(to_onehot_y=True, softmax=True, batch=True)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3)

    def step(self):
        self.optimizer.zero_grad()
        self.loss(self.net(self.images), self.labels).backward()
        self.optimizer.step()

    def milliseconds(self, threads):
        torch.set_num_threads(threads)
        for _ in range(2):
            self.step()
        begin, steps = time.perf_counter(), 0
        while time.perf_counter() < begin + SECONDS:
            self.step()
            steps += 1
        return (time.perf_counter() - begin) / steps * 1e3


processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.processor())
print(f"U-Net of width {WIDTH}, {BATCH} slices of {SIDE} x {SIDE}, {CLASSES} classes, float32, Adam; {processor}; "
      f"medians of {ROUNDS} rounds in ms a step")
print("| threads | Crossfade | PyTorch eager + MONAI | ratio | the same, channels-last | ratio |")
print("| ---: | ---: | ---: | ---: | ---: | ---: |")
peers = [Peer(torch.contiguous_format), Peer(torch.channels_last)]
for threads in (1, 2):
    rounds = [(ours(sys.argv[1], threads), *(peer.milliseconds(threads) for peer in peers)) for _ in range(ROUNDS)]
    mine, plain, channels_last = (statistics.median(column) for column in zip(*rounds))
    print(f"| {threads} | {mine:.0f} | {plain:.0f} | {plain / mine:.2f} | {channels_last:.0f} | {channels_last / mine:.2f} |")
