"""The losses of docs/losses.md in plain torch operations, as a user of PyTorch writes them.

Over pixels x classes, which is how channels-last logits lie in memory: a view, no copy.
"""

import torch
import torch.nn.functional as F

EPSILON = 1e-5


def edges(labels):
    """[N, H, W], True where one of the 4 neighbours in the slice has another label."""
    found = torch.zeros_like(labels, dtype=torch.bool)
    down, right = labels[:, 1:] != labels[:, :-1], labels[:, :, 1:] != labels[:, :, :-1]
    found[:, 1:] |= down
    found[:, :-1] |= down
    found[:, :, 1:] |= right
    found[:, :, :-1] |= right
    return found


def over_pixels(logits):
    return logits.movedim(1, 3).flatten(0, 2)


def one_hot(labels, like):
    return (labels.flatten().unsqueeze(1) == torch.arange(like.shape[1], device=like.device)).to(like.dtype)


def wce_and_wdice(logits, labels, class_weights):
    """The sum of the two, from sums for each class: torch.compile makes one pass of them, and nothing that is faster on
    CPUs was found (indexing by labels, as nll_loss does, keeps it from vectorising). logits [N, C, H, W], labels
    [N, H, W] of int64."""
    log_p = F.log_softmax(over_pixels(logits), 1)
    p, g = log_p.exp(), one_hot(labels, log_p)
    labelled = g.sum(0)
    overlap = (2 * (p * g).sum(0) + EPSILON) / (p.sum(0) + labelled + EPSILON)
    wce = -(class_weights * (log_p * g).sum(0)).sum() / (class_weights * labelled).sum()
    return wce + 1 - (class_weights * overlap).sum() / class_weights.sum()


def dice(p, g, weights):
    """`wdice` of p and g [pixels, classes]; `dice` with weights of 1."""
    overlap = (2 * (p * g).sum(0) + EPSILON) / (p.sum(0) + g.sum(0) + EPSILON)
    return 1 - (weights * overlap).sum() / weights.sum()


def loss(logits, labels, class_weights, terms):
    """Sum of `terms`, {name: weight}, by the names of docs/losses.md, in the form that is faster where nothing is
    compiled."""
    flat, log_p = labels.flatten(), F.log_softmax(over_pixels(logits), 1)
    total = 0
    if "wce" in terms:
        total = total + terms["wce"] * F.nll_loss(log_p, flat, class_weights)
    if "wce_boundary" in terms:
        omega = class_weights[flat] + 2 * class_weights.max() * edges(labels).flatten()
        total = total + terms["wce_boundary"] * (omega * F.nll_loss(log_p, flat, reduction="none")).sum() / omega.sum()
    if "wdice" in terms or "dice" in terms:
        p, g = log_p.exp(), one_hot(labels, log_p)
        if "wdice" in terms:
            total = total + terms["wdice"] * dice(p, g, class_weights)
        if "dice" in terms:
            total = total + terms["dice"] * dice(p, g, torch.ones_like(class_weights))
    return total
