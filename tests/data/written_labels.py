"""Label maps in all 48 orientations, most of them turned, with ids of every size, and whether what was made of them is equal.

    written_labels.py write DIR  N.nii
    written_labels.py check DIR  N.back.nii, .nii.gz, .mgz and .mgh are N.nii, each in the smallest type that holds the ids
"""
import itertools
import sys

import nibabel
import numpy

# ids from, ids to, type in NIfTI, type in MGH
RANGES = [(0, 255, "u1", "u1"), (0, 256, "u2", "i2"), (0, 32767, "u2", "i2"), (0, 32768, "u2", "i4"), (0, 65535, "u2", "i4"),
          (0, 65536, "i4", "i4"), (-1, 9, "i4", "i2"), (-32768, 9, "i4", "i2"), (-32769, 9, "i4", "i4"),
          (-2147483647, 2147483647, "i4", "i4"), (0, 0, "u1", "u1")]


def orientations():
    for number, (axes, signs) in enumerate(
            itertools.product(itertools.permutations(range(3)), itertools.product([1, -1], repeat=3))):
        affine = numpy.eye(4)
        affine[:3, :3] = 0
        for column, spacing in enumerate([0.7, 1.25, 2.1]):
            affine[axes[column], column] = signs[column] * spacing
        for plane in [(0, 1), (1, 2)]:
            angle, turn = 0.08 * (number % 4), numpy.eye(4)
            turn[numpy.ix_(plane, plane)] = [[numpy.cos(angle), -numpy.sin(angle)], [numpy.sin(angle), numpy.cos(angle)]]
            affine = turn @ affine
        affine[:3, 3] = [-12.5, 33.25, 7]
        yield number, affine


def write(folder):
    random = numpy.random.RandomState(13)
    for number, affine in orientations():
        least, most = RANGES[number % len(RANGES)][:2]
        ids = random.randint(least, most + 1, (3, 4, 5), dtype=numpy.int64)
        ids[1, 2, 3], ids[0, 3, 1] = least, most
        nibabel.save(nibabel.Nifti1Image(ids.astype(numpy.int32), affine), f"{folder}/{number}.nii")


def check(folder):
    for number, affine in orientations():
        expected = nibabel.load(f"{folder}/{number}.nii")
        for ending, kind in [("nii", 2), ("nii.gz", 2), ("mgz", 3), ("mgh", 3)]:
            name = f"{folder}/{number}.back.{ending}"
            image = nibabel.load(name)
            dtype = numpy.dtype(RANGES[number % len(RANGES)][kind])
            assert image.get_data_dtype().newbyteorder("=") == dtype, (name, image.get_data_dtype(), dtype)
            assert numpy.array_equal(numpy.asarray(image.dataobj), numpy.asarray(expected.dataobj)), name
            assert numpy.abs(image.affine - affine).max() < 1e-5, (name, image.affine, affine)  # mm; float32
            with open(name, "rb") as opened:
                assert (opened.read(2) == b"\x1f\x8b") == ending.endswith("z"), name


{"write": write, "check": check}[sys.argv[1]](sys.argv[2])
