"""MONAI's HD95 and surface Dice of label volumes.

    monai_surfaces.py TOLERANCE DIR

DIR/N.size holds size and spacing, first axis first; DIR/N.truth and DIR/N.prediction the class ids as uint8, first axis
fastest; where the truth is 255 both are background. An axis of size 1 is left out: an image. Prints JSON: for each N from 0 on, 27 values of "hd95" and of "nsd",
null where MONAI's are not finite.
"""
import json
import math
import os
import sys
import warnings

import numpy as np
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

CLASSES = 28
warnings.simplefilter("ignore")  # MONAI warns of empty structures, which are meant here
tolerance, folder = float(sys.argv[1]), sys.argv[2]


def read(path, size):
    return np.fromfile(path, dtype=np.uint8).reshape(size, order="F")


def one_hot(labels):
    return torch.from_numpy(np.stack([labels == c for c in range(CLASSES)])[None])


def finite(values):
    return [v if math.isfinite(v) else None for v in values[0].tolist()]


results = []
while os.path.exists(f"{folder}/{len(results)}.size"):
    path = f"{folder}/{len(results)}"
    numbers = open(f"{path}.size").read().split()
    size, spacing = [int(n) for n in numbers[:3]], [float(n) for n in numbers[3:]]
    size, spacing = zip(*[(n, mm) for n, mm in zip(size, spacing) if n > 1])
    truth, prediction = read(f"{path}.truth", size), read(f"{path}.prediction", size)
    judged = truth != 255
    truth, prediction = one_hot(np.where(judged, truth, 0)), one_hot(np.where(judged, prediction, 0))
    results.append({
        "hd95": finite(compute_hausdorff_distance(prediction, truth, percentile=95, directed=False, spacing=spacing)),
        "nsd": finite(compute_surface_dice(prediction, truth, [tolerance] * (CLASSES - 1), spacing=spacing,
                                           use_subvoxels=False)),
    })
print(json.dumps(results))
