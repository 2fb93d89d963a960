"""Writes labels and what a tool made of them, as nibabel writes them, and scores them by MONAI and NumPy.

    tool_volumes.py TOLERANCE DIR

DIR/labels     anna, bert and cleo as NIfTI with FreeSurfer's ids, some of them in no label table
DIR/miccai     anna and bert again with MICCAI-2012's ids
DIR/aseg       predictions for anna and bert as MGZ with FreeSurfer's ids, some of them aparc's
DIR/rounded    anna's prediction, its affine 0.0005 mm off; DIR/shifted 0.01 mm; DIR/cropped: a slice less; DIR/stranger:
               of a subject without labels; DIR/twice: anna as MGZ and as NIfTI; DIR/empty: ids of no structure;
               DIR/blank: zeros; DIR/sheared and DIR/sheared-labels: axes that are not at right angles
Prints JSON: subject -> structure -> [dice, hd95_mm, nsd, volume_difference], null where not finite.
"""
import json
import math
import os
import sys
import warnings

import nibabel
import numpy
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice

warnings.simplefilter("ignore")  # MONAI warns of empty structures, which are meant here
tolerance, folder = float(sys.argv[1]), sys.argv[2]

# name: FreeSurfer's id, MICCAI-2012's id; in the order of classes
PROTOCOLS = {
    "Left-Cerebral-White-Matter": (2, 45), "Left-Cerebral-Cortex": (3, 101), "Right-Cerebral-White-Matter": (41, 44),
    "Right-Cerebral-Cortex": (42, 100), "Left-Lateral-Ventricle": (4, 52), "Left-Cerebellum-White-Matter": (7, 41),
    "Left-Cerebellum-Cortex": (8, 39), "Left-Thalamus": (10, 60), "Left-Caudate": (11, 37), "Left-Putamen": (12, 58),
    "Left-Pallidum": (13, 56), "3rd-Ventricle": (14, 4), "4th-Ventricle": (15, 11), "Brain-Stem": (16, 35),
    "Left-Hippocampus": (17, 48), "Left-Amygdala": (18, 32), "Left-VentralDC": (28, 62),
    "Right-Lateral-Ventricle": (43, 51), "Right-Cerebellum-White-Matter": (46, 40), "Right-Cerebellum-Cortex": (47, 38),
    "Right-Thalamus": (49, 59), "Right-Caudate": (50, 36), "Right-Putamen": (51, 57), "Right-Pallidum": (52, 55),
    "Right-Hippocampus": (53, 47), "Right-Amygdala": (54, 31), "Right-VentralDC": (60, 61),
}
NAMES = list(PROTOCOLS)
FREESURFER = numpy.array([0] + [ids[0] for ids in PROTOCOLS.values()])
MICCAI = numpy.array([0] + [ids[1] for ids in PROTOCOLS.values()])


def heads(shape, random):
    """Classes of truth and prediction: ellipsoids, in the prediction moved and scaled."""
    places = numpy.stack(numpy.meshgrid(*map(numpy.arange, shape), indexing="ij"), -1)
    truth, prediction = numpy.zeros(shape, int), numpy.zeros(shape, int)
    for c in range(1, 28):
        centre = random.uniform(0.15, 0.85, 3) * shape
        radius = 1.5 + random.uniform(0, 0.2, 3) * shape
        truth[(((places - centre) / radius) ** 2).sum(-1) < 1] = c
        moved = centre + random.uniform(-1.5, 1.5, 3)
        prediction[(((places - moved) / radius / random.uniform(0.85, 1.15)) ** 2).sum(-1) < 1] = c
    truth[truth == 9] = 0  # in one of the two alone, and in neither
    prediction[prediction == 5] = 0
    truth[truth == 12], prediction[prediction == 12] = 0, 0
    return truth, prediction


def one_hot(classes):
    return torch.from_numpy(numpy.stack([classes == c for c in range(28)])[None])


def finite(value):
    return value if math.isfinite(value) else None


def reference(truth, prediction, spacing):
    t, p = one_hot(truth), one_hot(prediction)
    dice = compute_dice(p, t, include_background=False, ignore_empty=False)[0].tolist()
    hd95 = compute_hausdorff_distance(p, t, percentile=95, spacing=spacing)[0].tolist()
    nsd = compute_surface_dice(p, t, [tolerance] * 27, spacing=spacing, use_subvoxels=False)[0].tolist()
    scores = {}
    for c, name in enumerate(NAMES, 1):
        of_truth, of_prediction = int((truth == c).sum()), int((prediction == c).sum())
        difference = (of_prediction - of_truth) / of_truth if of_truth else math.nan
        empty = of_truth + of_prediction == 0
        scores[name] = [None if empty else dice[c - 1], finite(hd95[c - 1]), finite(nsd[c - 1]), finite(difference)]
    return scores


def save(kind, name, ids, affine):
    os.makedirs(f"{folder}/{kind}", exist_ok=True)
    image = nibabel.MGHImage if name.endswith("mgz") else nibabel.Nifti1Image
    nibabel.save(image(ids.astype(numpy.int32), affine), f"{folder}/{kind}/{name}")


random = numpy.random.RandomState(23)
results = {}
for subject, shape, spacing in (("anna", (32, 30, 28), (1, 1, 1)), ("bert", (26, 30, 22), (0.8, 1.1, 1.5))):
    affine = numpy.zeros((4, 4))  # FreeSurfer's own orientation: i to the left, j to inferior, k to anterior
    affine[0, 0], affine[2, 1], affine[1, 2] = -spacing[0], -spacing[1], spacing[2]
    affine[:, 3] = 17.25, -20.5, 11, 1
    truth, prediction = heads(shape, random)
    results[subject] = reference(truth, prediction, spacing)
    ids, tool = FREESURFER[truth], FREESURFER[prediction]
    save("miccai", f"{subject}.nii.gz", MICCAI[truth], affine)
    ids[(truth == 0) & (random.uniform(size=shape) < 0.01)] = 999  # named by no table
    tool[(tool == 3) & (random.uniform(size=shape) < 0.5)] = 1005  # a parcel of aparc's left cortex
    save("labels", f"{subject}.nii.gz", ids, affine)
    save("aseg", f"{subject}.mgz", tool, affine)
    if subject == "anna":
        save("labels", "cleo.nii", ids, affine)
        save("stranger", "dora.mgz", tool, affine)
        save("cropped", "anna.mgz", tool[:, :, 1:], affine)
        save("empty", "anna.mgz", numpy.full(shape, 999), affine)
        save("blank", "anna.mgz", numpy.zeros(shape), affine)
        sheared = affine.copy()
        sheared[:3, 1] += 0.1 * sheared[:3, 0]
        save("sheared-labels", "anna.mgz", ids, sheared)
        save("sheared", "anna.mgz", tool, sheared)
        for kind, offset in (("rounded", 0.0005), ("shifted", 0.01)):
            moved = affine.copy()
            moved[0, 3] += offset
            save(kind, "anna.mgz", tool, moved)
        for name in ("anna.mgz", "anna.nii.gz"):
            save("twice", name, tool, affine)
print(json.dumps(results))
