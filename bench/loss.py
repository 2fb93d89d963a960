"""loss.py PROGRAM: the loss alone, forward and backward, beside MONAI's DiceCELoss and a plain PyTorch one, compiled.

w-CE + w-Dice of the whole batch, 8 images of 256 x 256, 28 classes, float32 logits as a channels-last net leaves them.
Rounds alternate between all of them, so that a machine whose speed drifts slows all alike. A ratio is peer over ours in
one round; printed are its quartiles over rounds.
"""

import json
import platform
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from monai.losses import DiceCELoss

BATCH, CLASSES, SIDE, ROUNDS, SECONDS, EPSILON = 8, 28, 256, 7, 2, 1e-5
WEIGHTS = torch.tensor([0.1 + 0.1 * c for c in range(CLASSES)])


def plain(logits, labels):
    p = torch.softmax(logits, 1)
    g = F.one_hot(labels, CLASSES).permute(0, 3, 1, 2).to(p.dtype)
    over = (0, 2, 3)
    dice = (2 * (p * g).sum(over) + EPSILON) / (p.sum(over) + g.sum(over) + EPSILON)
    return F.cross_entropy(logits, labels, WEIGHTS) + 1 - (WEIGHTS * dice).sum() / WEIGHTS.sum()


monai = DiceCELoss(to_onehot_y=True, softmax=True, batch=True, weight=WEIGHTS)
PEERS = {
    "MONAI DiceCELoss": lambda logits, labels: monai(logits, labels.unsqueeze(1)),
    "plain PyTorch": plain,
    "plain PyTorch, compiled": torch.compile(plain),
}


def milliseconds(loss, logits, labels, threads):
    torch.set_num_threads(threads)
    step = lambda: torch.autograd.grad(loss(logits, labels), logits)
    for _ in range(2):
        step()
    begin, steps = time.perf_counter(), 0
    while steps < 3 or time.perf_counter() < begin + SECONDS:
        step()
        steps += 1
    return (time.perf_counter() - begin) / steps * 1e3


def ours(program, threads):
    out = subprocess.run([program, f"--benchmark_filter=^loss/side:{SIDE}/threads:{threads}/", "--benchmark_format=json"],
                         check=True, capture_output=True, text=True).stdout
    return json.loads(out)["benchmarks"][0]["real_time"]


device = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
              platform.processor())
print(f"w-CE + w-Dice, {BATCH} x {SIDE} x {SIDE}, {CLASSES} classes; {device}; {ROUNDS} rounds; median, and quartiles of the ratio")
print("| loss | threads | ms | peer / Crossfade |")
print("| --- | ---: | ---: | ---: |")
torch.manual_seed(1)
logits = torch.randn(BATCH, CLASSES, SIDE, SIDE).to(memory_format=torch.channels_last).requires_grad_()
labels = torch.randint(CLASSES, (BATCH, SIDE, SIDE))
for threads in (1, 2):
    rounds = [(ours(sys.argv[1], threads), *(milliseconds(peer, logits, labels, threads) for peer in PEERS.values()))
              for _ in range(ROUNDS)]
    mine, *peers = zip(*rounds)
    print(f"| Crossfade | {threads} | {statistics.median(mine):.1f} | |")
    for name, times in zip(PEERS, peers):
        low, middle, high = statistics.quantiles([peer / own for peer, own in zip(times, mine)], n=4)
        print(f"| {name} | {threads} | {statistics.median(times):.1f} | {middle:.2f} ({low:.2f} to {high:.2f}) |")
