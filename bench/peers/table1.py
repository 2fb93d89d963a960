"""The trials of experiments/table1.yaml, one seed, as a good user of PyTorch and MONAI writes them.

    python bench/peers/table1.py cohorts/phantom-HASH --epochs 3

Trains, validates after each epoch, keeps the best net, and scores it on the test subjects: Dice, HD95 and normalised
surface Dice of each structure. Two processes of one thread, each on a core of its own, work off the stages; a
fine-tuning and its control begin with the same pre-trained net. Shards (docs/shards.md) are there beforehand. The last
line printed is the time of it all.

Eager by default. A step of the compiled QuickNAT takes 0.7 of the time of an eager one, and compiling it 27 to 50 s,
less where inductor's cache has it: which is faster depends on the machine and the epochs, so bench/table1.py runs both.
The U-Net of width 8 gains nothing.
"""

import time

BEGIN = time.perf_counter()

import argparse
import concurrent.futures
import dataclasses
import json
import math
import multiprocessing
import os
import pathlib
import sys
import tempfile

import numpy as np
import torch
from monai.metrics.utils import get_edge_surface_distance
from torch.utils.data import DataLoader, Dataset

sys.path[:0] = [str(pathlib.Path(__file__).parents[2] / folder) for folder in ("model", "tests")]
import shards
from losses import loss
from nets import QuickNAT, UNet
from train_step import keep_freed_memory, tune

CLASSES, BATCH, CROP, SEED, TOLERANCE_MM = 28, 8, 64, 1, 1
TRAIN, VALIDATION = 8, 2  # subjects in order of name; the others are tested
EVALUATION_BATCH = 32


# ---- the trials ----

@dataclasses.dataclass(frozen=True)
class Stage:
    variant: str
    terms: dict                       # of the loss: {name: [(from this progress on, weight)]}
    net: str = "unet"
    labels: str = "labels_automatic"  # or "labels", the manual ones
    after: str = ""                   # a fine-tuning: the variant whose pre-trained net it begins with

    @property
    def name(self):
        return f"{self.variant}, {'finetune' if self.after else 'pretrain'}"


def finetuned(stage, labels="labels", variant=""):
    """4 subjects, new scans; the loss stays what the stage before ended with."""
    ended = {term: [(0, curve[-1][1])] for term, curve in stage.terms.items() if curve[-1][1] > 0}
    return dataclasses.replace(stage, variant=variant or stage.variant, terms=ended, labels=labels, after=stage.variant)


WDICE = Stage("U-Net, fixed w-Dice", {"wdice": [(0, 1)]})
WCE = Stage("U-Net, fixed w-CE", {"wce": [(0, 1)]})
SUM = Stage("U-Net, fixed w-CE + w-Dice", {"wce": [(0, 1)], "wdice": [(0, 1)]})
SCHEDULED = Stage("U-Net, loss scheduling", {"wce": [(0, 1), (0.7, 0)], "wdice": [(0, 0), (0.4, 1)]})
QUICKNAT = Stage("QuickNAT, fixed w-CE + boundary + Dice", {"wce_boundary": [(0, 1)], "dice": [(0, 1)]}, net="quicknat")
BOUNDARY = Stage("U-Net, fixed w-CE + boundary + Dice", {"wce_boundary": [(0, 1)], "dice": [(0, 1)]})
STAGES = [WDICE, WCE, SUM, SCHEDULED, QUICKNAT, BOUNDARY, finetuned(SCHEDULED),
          finetuned(SCHEDULED, "labels_automatic", "U-Net, loss scheduling (control)"), finetuned(QUICKNAT),
          finetuned(BOUNDARY)]


def terms_at(stage, progress):
    now = {term: [weight for since, weight in curve if since <= progress][-1] for term, curve in stage.terms.items()}
    return {term: weight for term, weight in now.items() if weight > 0}


def learning_rate_factor(progress, warmup=0.05):
    if progress < warmup:
        return progress / warmup
    return (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


# ---- the data: 80 MB, all in memory ----

def standardised(image, mean, sd):
    return ((image - mean) / sd).astype(np.float32)


class Subject:
    def __init__(self, file):
        self.name = file.stem
        self.mean, self.sd = (shards.read(file, f"scans/{name}", np.float64) for name in ("mean", "sd"))
        by_scan = lambda name: (found := shards.read(file, name)).reshape(len(self.mean), -1, *found.shape[1:])
        self.images = by_scan("images")  # [scans, slices, H, W]
        self.labels = {name: by_scan(name) for name in ("labels", "labels_automatic")}
        self.counts = {name: [shards.read(file, f"scans/{name}_{what}", np.uint64) for what in ("pixels", "slices")]
                       for name in self.labels}
        self.mm = np.linalg.norm(shards.affine(file, "scans")[:, :3], axis=0)[::-1]  # between slices, along H, W

    def volume(self):
        """Scan 0, standardised, [slices, 1, H, W]."""
        return torch.from_numpy(standardised(self.images[0], self.mean[0], self.sd[0]))[:, None]


class Slices(Dataset):
    """All that carry a label and a tenth of the rest, cut to a square at random around their labels."""

    def __init__(self, subjects, scans, labels):
        self.labels, self.slices = labels, []
        self.random = np.random.default_rng(SEED)
        for subject in subjects:
            for scan in scans:
                labelled = subject.labels[labels][scan].any((1, 2))
                rest = np.flatnonzero(~labelled)
                chosen = self.random.choice(rest, (len(rest) + 5) // 10, replace=False)
                self.slices += [(subject, scan, k) for k in (*np.flatnonzero(labelled), *chosen)]

    def __len__(self):
        return len(self.slices)

    def first_of(self, labelled):
        """Where a square begins along a side, of which `labelled` says what carries a label."""
        found, last = np.flatnonzero(labelled), len(labelled) - CROP
        begin, end = (found[0], found[-1] + 1) if len(found) else (len(labelled), 0)
        ends = sorted(min(max(x, 0), last) for x in (begin, end - CROP))
        return self.random.integers(ends[0], ends[1] + 1)

    def __getitem__(self, index):
        subject, scan, k = self.slices[index]
        labels = subject.labels[self.labels][scan, k]
        y, x = self.first_of(labels.any(1)), self.first_of(labels.any(0))
        square = np.s_[y:y + CROP, x:x + CROP]
        image = standardised(subject.images[scan, k][square], subject.mean[scan], subject.sd[scan])
        return image[None], labels[square].astype(np.int64)


def median_frequency_weights(subjects, scans, labels):
    pixels, slices = (sum(subject.counts[labels][i][scan].astype(float) for subject in subjects for scan in scans)
                      for i in (0, 1))
    frequency = pixels / np.maximum(slices, 1) / subjects[0].images[0, 0].size
    present = frequency > 0
    weights = np.zeros(CLASSES)
    weights[present] = np.median(frequency[present]) / frequency[present]
    return torch.from_numpy(weights.astype(np.float32))


# ---- training and scores ----

def make_net(name):
    net = UNet(8, 4, 1, CLASSES) if name == "unet" else QuickNAT(12, 4, 1, CLASSES, kernel=3)
    for key, parameter in net.named_parameters():
        if parameter.dim() == 4:
            torch.nn.init.xavier_uniform_(parameter)
        elif key.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    return net.to(memory_format=torch.channels_last)


def in_precision(forward, images):
    """Float logits of a channels-last forward pass."""
    with torch.autocast("cpu", torch.bfloat16, enabled=worker.precision == "bf16"):
        return forward(images.to(memory_format=torch.channels_last)).float()


@torch.inference_mode()
def predict(net, subject):
    net.eval()
    batches = subject.volume().split(EVALUATION_BATCH)
    return torch.cat([in_precision(net, batch).argmax(1).byte() for batch in batches]).numpy()


def dice(truth, prediction):
    """Of each structure; not a number where neither has it."""
    both = np.bincount(truth.ravel().astype(np.intp) * CLASSES + prediction.ravel(), minlength=CLASSES**2)
    both = both.reshape(CLASSES, CLASSES)
    with np.errstate(invalid="ignore"):
        return (2 * both.diagonal() / (both.sum(0) + both.sum(1)))[1:]


def validation_dice(net, subjects, labels):
    return np.mean([np.nanmean(dice(subject.labels[labels][0], predict(net, subject))) for subject in subjects])


def surfaces(truth, prediction, mm):
    """HD95 in mm and normalised surface Dice of each structure, as MONAI's compute_hausdorff_distance and
    compute_surface_dice have them, from one computation of the distances."""
    scores = []
    for c in range(1, CLASSES):
        t, p = torch.from_numpy(truth == c), torch.from_numpy(prediction == c)
        if not t.any() or not p.any():
            alone = bool(t.any() or p.any())
            scores.append((float(np.linalg.norm(mm * truth.shape)), 0.0) if alone else (math.nan, math.nan))
            continue
        _, both_ways, _ = get_edge_surface_distance(p, t, spacing=list(mm), symmetric=True)
        near = sum((distance <= TOLERANCE_MM).sum().item() for distance in both_ways)
        hd95 = max(torch.quantile(distance, 0.95).item() for distance in both_ways)
        scores.append((hd95, near / sum(len(distance) for distance in both_ways)))
    return scores


class Seconds(dict):
    """Adds up how long each kind of work took."""

    def of(self, kind, function, *arguments):
        begin = time.perf_counter()
        result = function(*arguments)
        self[kind] = self.get(kind, 0) + time.perf_counter() - begin
        return result


def train_epoch(net, forward, stage, loader, weights, optimizer, schedule, epoch):
    net.train()
    for step, (images, labels) in enumerate(loader):
        progress = (epoch * len(loader) + step) / (worker.epochs * len(loader))
        value = loss(in_precision(forward, images), labels, weights, terms_at(stage, progress))
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1)
        optimizer.step()
        schedule.step()


def run(stage):
    """Returns scores and seconds; leaves the best net in a file."""
    seconds, torch_file = Seconds(), lambda name, which: worker.folder / f"{name}, {which}.pt"
    torch.manual_seed(SEED)
    net = make_net(stage.net)
    if stage.after:
        net.load_state_dict(torch.load(torch_file(f"{stage.after}, pretrain", "best")))
    subjects, scans = (worker.train[:4], (2, 3)) if stage.after else (worker.train, (0, 1))
    slices, weights = Slices(subjects, scans, stage.labels), median_frequency_weights(subjects, scans, stage.labels)
    loader = DataLoader(slices, BATCH, shuffle=True, generator=torch.Generator().manual_seed(SEED))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-4 if stage.after else 2e-3, fused=True)
    steps = worker.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate_factor(step / steps))
    forward = net
    if stage.net in worker.compiled:  # the last batch of an epoch is smaller: not worth compiling for
        whole = torch.compile(net, dynamic=False)
        forward = lambda images: (whole if len(images) == BATCH else net)(images)
    best = -1
    for epoch in range(worker.epochs):
        seconds.of("training", train_epoch, net, forward, stage, loader, weights, optimizer, schedule, epoch)
        score = seconds.of("validation", validation_dice, net, worker.validation, stage.labels)
        if score > best:
            best = score
            torch.save(net.state_dict(), torch_file(stage.name, "best"))
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch},
                   torch_file(stage.name, "last"))
    net.load_state_dict(torch.load(torch_file(stage.name, "best")))
    scores = {}
    for subject in worker.test:
        truth = subject.labels["labels"][0]
        prediction = seconds.of("test prediction", predict, net, subject)
        scores[subject.name] = {"dice": list(dice(truth, prediction)),
                                "hd95_mm, nsd": seconds.of("surfaces", surfaces, truth, prediction, subject.mm)}
    return {"validation": best, "scores": scores, "seconds": seconds}


class Worker:
    """What a process has read and been told."""

    def __init__(self, shard_files, cores, folder, options):
        keep_freed_memory()
        os.sched_setaffinity(0, {cores.get()})
        torch.set_num_threads(1)
        tune()
        subjects = [Subject(file) for file in shard_files]
        self.train, self.validation = subjects[:TRAIN], subjects[TRAIN:TRAIN + VALIDATION]
        self.test = subjects[TRAIN + VALIDATION:]
        self.folder, self.epochs = folder, options.epochs
        self.precision, self.compiled = options.precision, options.compiled


def begin_worker(*told):
    global worker
    worker = Worker(*told)


def work_off(files, options):
    """Yields each stage and its result. A fine-tuning waits for its pre-training and then behind all that wait."""
    spawn = multiprocessing.get_context("spawn")
    cores = spawn.Queue()
    for core in sorted(os.sched_getaffinity(0))[:options.processes]:
        cores.put(core)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ProcessPoolExecutor(
            options.processes, spawn, begin_worker, (files, cores, pathlib.Path(folder), options)) as pool:
        running = {pool.submit(run, stage): stage for stage in STAGES if not stage.after}
        while running:
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                stage = running.pop(future)
                if not stage.after:
                    running.update({pool.submit(run, next): next for next in STAGES if next.after == stage.variant})
                yield stage, future.result()


def said(seconds):
    return ", ".join(f"{kind} {value:.1f} s" for kind, value in seconds.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=pathlib.Path, help="folder of the prepared cohort")
    parser.add_argument("--epochs", type=int, default=3, help="of each stage")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="bf16: autocast")
    parser.add_argument("--compiled", nargs="*", choices=["unet", "quicknat"], default=[], help="nets to torch.compile")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for all scores")
    options = parser.parse_args()
    files = sorted(options.shards.glob("*.h5"))
    if len(files) <= TRAIN + VALIDATION:
        sys.exit(f"{options.shards}: {len(files)} shards; more than {TRAIN + VALIDATION} are needed")
    results = {}
    for stage, result in work_off(files, options):
        results[stage.name] = result
        test = np.nanmean([np.nanmean(subject["dice"]) for subject in result["scores"].values()])
        print(f"{stage.name}: Dice in validation {result['validation']:.4f}, in test {test:.4f}; "
              + said(result["seconds"]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(results))
    kinds = next(iter(results.values()))["seconds"]
    print("all stages: " + said({kind: sum(result["seconds"][kind] for result in results.values()) for kind in kinds}))
    print(f"{time.perf_counter() - BEGIN:.1f} s")


if __name__ == "__main__":
    main()
