"""Writes small label maps in all 48 orientations, and what nibabel makes of them.

    nifti_reference.py write DIR   N.nii[.gz] with odd spacings, N.raw.txt and N.canonical.txt
    nifti_reference.py check DIR   N.back.nii.gz equals N.nii[.gz]
"""
import itertools
import sys

import nibabel
import numpy


def save(path, image):
    with open(path, "w") as out:  # plain text: size, affine row by row, voxels with the first axis fastest
        print(*image.shape, file=out)
        print(*[repr(float(x)) for x in image.affine[:3].ravel()], file=out)
        print(*numpy.asarray(image.dataobj).astype(int).ravel(order="F"), file=out)


def write(folder):
    random = numpy.random.RandomState(4)
    types = [numpy.uint8, numpy.int16, numpy.int32, numpy.float32, numpy.float64, numpy.uint16]
    number = 0
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product([1, -1], repeat=3):
            affine = numpy.zeros((4, 4))
            affine[3, 3] = 1
            for column, (axis, sign, spacing) in enumerate(zip(axes, signs, [0.8, 1.25, 3.1])):
                affine[axis, column] = sign * spacing
            angle = 0.05 * (number % 4)  # some are oblique
            turn = numpy.eye(4)
            turn[:2, :2] = [[numpy.cos(angle), -numpy.sin(angle)], [numpy.sin(angle), numpy.cos(angle)]]
            affine = turn @ affine
            affine[:3, 3] = [-12.5, 33.25, 7]
            voxels = random.randint(0, 200, (3, 4, 5)).astype(types[number % len(types)])
            image = nibabel.Nifti1Image(voxels, affine)
            if number % 3 != 2:  # else the matrix alone
                image.set_qform(affine, 1)
            if number % 3 == 1:
                image.set_sform(None, 0)  # the quaternion alone
            name = f"{folder}/{number}.nii" + (".gz" if number % 2 else "")
            nibabel.save(image, name)
            read = nibabel.load(name)
            save(f"{folder}/{number}.raw.txt", read)
            save(f"{folder}/{number}.canonical.txt", nibabel.as_closest_canonical(read))
            number += 1
    nibabel.save(nibabel.Nifti1Image(numpy.full((3, 3, 3), 1.5, numpy.float32), numpy.eye(4)), f"{folder}/half.nii")
    nibabel.save(nibabel.Nifti1Image(numpy.zeros((3, 3, 3, 2), numpy.uint8), numpy.eye(4)), f"{folder}/four.nii")
    nibabel.save(nibabel.Nifti1Image(numpy.full((3, 3, 3, 1), 7, numpy.uint8), numpy.eye(4)), f"{folder}/flat.nii")


def check(folder):
    for number in range(48):
        image = nibabel.load(f"{folder}/{number}.back.nii.gz")
        expected = nibabel.load(f"{folder}/{number}.nii" + (".gz" if number % 2 else ""))
        assert image.get_data_dtype() == numpy.int32, image.get_data_dtype()
        assert numpy.array_equal(numpy.asarray(image.dataobj), numpy.asarray(expected.dataobj).astype(int)), number
        for affine in [image.get_sform(), image.get_qform()]:
            assert numpy.abs(affine - expected.affine).max() < 1e-5, (number, affine, expected.affine)


{"write": write, "check": check}[sys.argv[1]](sys.argv[2])
