"""Writes FOLDER/labels.pt: the labels of 16 slices through the middle of real hippocampi of DATA, [16, 32, 32], 0 to 2.

Called by scheduled_loss_test.cpp.
"""
import json
import pathlib
import sys

import nibabel
import numpy
import torch

data, folder = map(pathlib.Path, sys.argv[1:])
cases = json.loads((data / "dataset.json").read_text())["training"][:16]
slices = []
for case in cases:
    labels = numpy.asarray(nibabel.load(data / case["label"]).dataobj).astype(numpy.int64)
    middle = labels[:, :, labels.shape[2] // 2]
    square = numpy.zeros((48, 64), numpy.int64)
    square[: middle.shape[0], : middle.shape[1]] = middle
    slices.append(square[:32, 16:48].T)
torch.save(torch.from_numpy(numpy.stack(slices)), folder / "labels.pt", _use_new_zipfile_serialization=True)
