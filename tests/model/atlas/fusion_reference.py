"""Label fusion in plain NumPy, from the formulas: python fusion_reference.py METHOD FOLDER ATLASES K J I PATCH SEARCH ALPHA BETA.

Reads FOLDER/target, image0, labels0, ... (bytes) and writes FOLDER/fused.
"""

import itertools
import pathlib
import sys

import numpy as np


def staple(labels):
    """Warfield et al. 2004, section VI: theta[j][l, s] = P(rater j says l | truth s)."""
    classes = int(labels.max()) + 1
    votes = np.stack([(labels == c).sum(0) for c in range(classes)])
    winners = votes.argmax(0)
    undecided = (votes == votes.max(0)).sum(0) > 1
    prior = votes.reshape(classes, -1).sum(1) / votes.sum()
    theta = []
    for rater in labels:
        table = np.zeros((classes, classes))
        for said, truth in itertools.product(range(classes), repeat=2):
            table[said, truth] = ((rater == said) & (winners == truth) & ~undecided).sum()
        theta.append(table / np.maximum(table.sum(0), 1))
    theta = np.array(theta)

    def weights():
        w = prior[:, None] * np.ones(labels[0].size)
        for table, rater in zip(theta, labels):
            w *= table[rater.ravel()].T
        return w

    for _ in range(1000):
        w = weights()
        w /= np.maximum(w.sum(0), 1e-300)
        new = np.array(
            [[w[:, rater.ravel() == said].sum(1) for said in range(classes)] for rater in labels]
        )
        new /= np.maximum(new.sum(1, keepdims=True), 1e-300)
        change = np.abs(new - theta).max()
        theta = new
        if change < 1e-5:
            break
    return weights().argmax(0).reshape(labels[0].shape)


def normalised(patch):
    patch = patch - patch.mean()
    norm = np.sqrt((patch**2).sum())
    return (patch / norm if norm > 0 else 0 * patch).ravel()


def joint(target, images, labels, radius, search, alpha, beta):
    """Wang et al. 2013, equations 6, 9 and 12."""
    margin = radius + search
    target = np.pad(target.astype(float), margin, mode="edge")
    images = [np.pad(image.astype(float), margin, mode="edge") for image in images]
    shape = labels[0].shape
    labels = [np.pad(each, margin, mode="edge") for each in labels]

    def patch(volume, centre):
        return normalised(volume[tuple(slice(c - radius, c + radius + 1) for c in centre)])

    offsets = sorted(itertools.product(range(-search, search + 1), repeat=3), key=lambda o: sum(x * x for x in o))
    fused = np.zeros(shape, np.uint8)
    for place in np.ndindex(shape):
        centre = np.array(place) + margin
        wanted = patch(target, centre)
        differences, said = [], []
        for image, of_atlas in zip(images, labels):
            candidates = [patch(image, centre + offset) for offset in offsets]
            best = int(np.argmin([((wanted - c) ** 2).sum() for c in candidates]))
            differences.append(np.abs(wanted - candidates[best]))
            said.append(of_atlas[tuple(centre + offsets[best])])
        differences = np.array(differences)
        matrix = (differences @ differences.T) ** beta + alpha * np.eye(len(images))
        weights = np.linalg.solve(matrix, np.ones(len(images)))
        fused[place] = np.bincount(said, weights / weights.sum()).argmax()
    return fused


method, folder = sys.argv[1], pathlib.Path(sys.argv[2])
atlases, *shape = map(int, sys.argv[3:7])


def read(name):
    return np.fromfile(folder / name, np.uint8).reshape(shape)


all_labels = np.array([read(f"labels{a}") for a in range(atlases)])
if method == "staple":
    result = staple(all_labels)
else:
    result = joint(
        read("target"),
        [read(f"image{a}") for a in range(atlases)],
        all_labels,
        int(sys.argv[7]),
        int(sys.argv[8]),
        float(sys.argv[9]),
        float(sys.argv[10]),
    )
result.astype(np.uint8).tofile(folder / "fused")
