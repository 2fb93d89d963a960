"""@TITLE@

    loss = ScheduledLoss("@STAGE@", class_weights)
    for step, (images, labels) in enumerate(batches):
        loss(net(images), labels, step / steps).backward()

Made by Crossfade (`runner report schedule --format python`); needs PyTorch and MONAI.
"""

import bisect
import math

import torch
from monai.losses import DiceLoss

# Of each stage the terms of its loss: name, shape of the curve, points (progress, weight).
SCHEDULES = @SCHEDULES@

EPSILON = @EPSILON@
BACKGROUND = @BACKGROUND@  # class 0 counts in Dice
BATCH = @BATCH@  # Dice from the sums of the whole batch
SQUARED = @SQUARED@  # squares in the denominator of Dice
PER_PIXEL = @PER_PIXEL@  # cross-entropy over the number of pixels, not over the sum of weights


def logistic(x):
    return 1 / (1 + math.exp(-x))


EASES = {  # the way from one point to the next
    "constant": lambda t: 0,
    "step": lambda t: 0,
    "linear": lambda t: t,
    "piecewise": lambda t: t,
    "cosine": lambda t: (1 - math.cos(math.pi * t)) / 2,
    "exponential": lambda t: math.expm1(-5 * t) / math.expm1(-5),
    "sigmoid": lambda t: (logistic(10 * (t - 0.5)) - logistic(-5)) / (1 - 2 * logistic(-5)),
}


def weight(shape, points, progress):
    """Of a term, at a progress from 0 (the first step of the stage) to 1 (its end)."""
    behind = bisect.bisect_right([at for at, _ in points], progress)
    if behind == 0:
        return points[0][1]
    if behind == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[behind - 1], points[behind]
    return y0 + (y1 - y0) * EASES[shape]((progress - x0) / (x1 - x0))


class ScheduledLoss(torch.nn.Module):
    """Of one stage. `class_weights`: a tensor, one a class, such as median frequency over frequency."""

    def __init__(self, stage, class_weights):
        super().__init__()
        self.schedule = SCHEDULES[stage]
        self.register_buffer("class_weights", class_weights)
        counted = class_weights if BACKGROUND else class_weights[1:]
        options = dict(softmax=True, to_onehot_y=True, include_background=BACKGROUND, batch=BATCH, squared_pred=SQUARED,
                       smooth_nr=EPSILON, smooth_dr=EPSILON)
        self.dice = DiceLoss(**options)
        self.weighted_dice = DiceLoss(weight=counted, **options)
        # MONAI takes the mean over classes, not over weights, and of one class leaves its weight out.
        self.scale = len(counted) / counted.sum() if len(counted) > 1 else 1

    def term(self, name, logits, labels):
        if name == "wce":
            sums = torch.nn.functional.cross_entropy(logits, labels, weight=self.class_weights, reduction="sum")
            return sums / (labels.numel() if PER_PIXEL else self.class_weights[labels].sum())
        if name == "wdice":
            return self.weighted_dice(logits, labels.unsqueeze(1)) * self.scale
        return self.dice(logits, labels.unsqueeze(1))

    def forward(self, logits, labels, progress):
        """`logits`: (batch, classes, height, width); `labels`: (batch, height, width), class ids."""
        weights = [(name, weight(shape, points, progress)) for name, shape, points in self.schedule]
        return sum(value * self.term(name, logits, labels) for name, value in weights if value > 0)
