"""loss.py PROGRAM: the loss alone, forward and backward, beside MONAI's DiceCELoss and a plain PyTorch one, compiled.

w-CE + w-Dice of the whole batch, 8 images of 256 x 256, 28 classes, float32 logits as a channels-last net leaves them.
Rounds alternate between all of them, so that a machine whose speed drifts slows all alike. A ratio is peer over ours in
one round; printed are its quartiles over rounds.
"""

import pathlib
import statistics
import sys

import torch
from monai.losses import DiceCELoss

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
import rows
import train_step as peers
from losses import wce_and_wdice
from ours import measure

BATCH, CLASSES, SIDE, ROUNDS, SECONDS = 8, 28, 256, 7, 2
TARGETS = {"MONAI DiceCELoss": 5, "plain PyTorch, compiled": 2}
WEIGHTS = torch.tensor([0.1 + 0.1 * c for c in range(CLASSES)])
monai = DiceCELoss(to_onehot_y=True, softmax=True, batch=True, weight=WEIGHTS)
plain = lambda logits, labels: wce_and_wdice(logits, labels, WEIGHTS)
PEERS = {
    "MONAI DiceCELoss": lambda logits, labels: monai(logits, labels.unsqueeze(1)),
    "plain PyTorch": plain,
    "plain PyTorch, compiled": torch.compile(plain, dynamic=False),
}


def milliseconds(loss, logits, labels):
    step = lambda: torch.autograd.grad(loss(logits, labels), logits)
    step()
    return peers.milliseconds(step, SECONDS)


def ours(threads, name="loss"):
    return measure(sys.argv[1], f"{name}/side:{SIDE}/threads:{threads}/")["real_time"]


peers.keep_freed_memory()
print(f"w-CE + w-Dice, {BATCH} x {SIDE} x {SIDE}, {CLASSES} classes; {peers.machine('cpu')}; {ROUNDS} rounds; median, and quartiles of the ratio")
print("| loss | threads | ms | peer / Crossfade |")
print("| --- | ---: | ---: | ---: |")
torch.manual_seed(1)
logits = torch.randn(BATCH, CLASSES, SIDE, SIDE).to(memory_format=torch.channels_last).requires_grad_()
labels = torch.randint(CLASSES, (BATCH, SIDE, SIDE))
for threads in (1, 2):
    peers.use_threads(threads)
    for peer in PEERS.values():  # compiles
        milliseconds(peer, logits, labels)
    rounds = [(ours(threads), *(milliseconds(peer, logits, labels) for peer in PEERS.values()))
              for _ in range(ROUNDS)]
    mine, *theirs = zip(*rounds)
    print(f"| Crossfade | {threads} | {statistics.median(mine):.1f} | |")
    for name, also in {"of bf16 logits": "loss_bf16", "w-CE of which has the boundary's weights": "loss_boundary"}.items():
        print(f"| Crossfade, {name} | {threads} | {ours(threads, also):.1f} | |")
    for name, times in zip(PEERS, theirs):
        low, middle, high = peers.quartiles([peer / own for peer, own in zip(times, mine)])
        print(f"| {name} | {threads} | {statistics.median(times):.1f} | {rows.spread(low, middle, high)} |")
        if target := TARGETS.get(name):
            rows.add(f"loss against {name}, threads {threads}", str(target), rows.spread(low, middle, high), low >= target)
