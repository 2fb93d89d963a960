"""Dice per class by MONAI, and counts by numpy, of two raw uint8 volumes where the truth isn't 255. Prints JSON."""
import json
import sys

import numpy as np
import torch
from monai.metrics import compute_dice

CLASSES = 28
truth = np.fromfile(sys.argv[1], dtype=np.uint8)
prediction = np.fromfile(sys.argv[2], dtype=np.uint8)
judged = truth != 255
truth, prediction = truth[judged], prediction[judged]

confusion = np.zeros((CLASSES, CLASSES), dtype=np.int64)
np.add.at(confusion, (truth, prediction), 1)


def one_hot(labels):
    return torch.nn.functional.one_hot(torch.from_numpy(labels.astype(np.int64)), CLASSES).T.reshape(1, CLASSES, -1, 1)


# Empty truth counts (score 0, or 1 where the prediction is empty, too) instead of being left out.
dice = compute_dice(one_hot(prediction), one_hot(truth), include_background=True, ignore_empty=False)[0]
print(json.dumps({
    "tp": np.diag(confusion).tolist(),
    "fp": (confusion.sum(0) - np.diag(confusion)).tolist(),
    "fn": (confusion.sum(1) - np.diag(confusion)).tolist(),
    "dice": dice.tolist(),
}))
