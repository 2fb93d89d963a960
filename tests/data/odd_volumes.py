"""Writes small NIfTI and MGH files with odd headers, and what nibabel reads of those that it reads.

    odd_volumes.py DIR    NAME.nii[.gz] or NAME.mgh, and NAME.json: shape, affine, voxels with the first axis fastest
"""
import gzip
import json
import os
import sys

import nibabel
import numpy

SHAPE = (4, 5, 6)
RANDOM = numpy.random.RandomState(9)
VOXELS = RANDOM.randint(0, 90, SHAPE).astype(numpy.int16)
ONE = numpy.array([[1.5, 0, 0, -7], [0, 2, 0, 11], [0, 0, 2.5, 3], [0, 0, 0, 1.0]])
OTHER = numpy.array([[-1.5, 0, 0, 20], [0, 2, 0, -4], [0, 0, 2.5, 3], [0, 0, 0, 1.0]])  # mirrored, and elsewhere
TURNED = OTHER.copy()  # about two axes
for axes, angle in (((0, 1), 0.3), ((1, 2), -0.7)):
    turn = numpy.eye(4)
    turn[numpy.ix_(axes, axes)] = [[numpy.cos(angle), -numpy.sin(angle)], [numpy.sin(angle), numpy.cos(angle)]]
    TURNED = turn @ TURNED


def describe(folder, name, ending):
    image = nibabel.load(f"{folder}/{name}{ending}")
    expected = {"shape": image.shape, "affine": image.affine[:3].tolist(), "voxels": image.get_fdata().ravel(order="F").tolist()}
    with open(f"{folder}/{name}.json", "w") as out:
        json.dump(expected, out)


def nifti(folder, name, voxels=VOXELS, sform=(ONE, 1), qform=(ONE, 1), kind=nibabel.Nifti1Header, ending=".nii",
          slope=(numpy.nan, numpy.nan), endianness="<", magic=None, quaternion=None):
    """Field by field, as nibabel.save would mend what is odd. `sform` and `qform`: the affine and its code."""
    header = kind(endianness=endianness)
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape(voxels.shape)
    header.set_qform(qform[0])  # sets pixdim as well
    header.set_sform(sform[0])
    header["sform_code"], header["qform_code"] = sform[1], qform[1]
    if quaternion:
        header["quatern_b"], header["quatern_c"], header["quatern_d"] = quaternion
    header["scl_slope"], header["scl_inter"] = slope
    header["vox_offset"] = header.single_vox_offset
    if magic:
        header["magic"] = magic
    content = header.binaryblock + bytes(4) + voxels.astype(header.get_data_dtype()).tobytes(order="F")
    with (gzip.open if ending.endswith(".gz") else open)(f"{folder}/{name}{ending}", "wb") as out:
        out.write(content)


def sheared(by):
    affine = ONE.copy()
    affine[0, 1] = 2 * by  # a cosine of `by` between the first two axes
    return affine


def main(folder):
    read = {
        "sform_over_qform": dict(qform=(OTHER, 1)),
        "qform_alone": dict(sform=(ONE, 0), qform=(OTHER, 1)),
        "sform_alone": dict(sform=(OTHER, 2), qform=(ONE, 0)),
        "neither": dict(sform=(ONE, 0), qform=(OTHER, 0)),
        "sform_over_damaged_qform": dict(sform=(OTHER, 1), quaternion=(0.9, 0.9, 0.9)),
        "sform_over_qform_of_no_number": dict(sform=(OTHER, 1), quaternion=(numpy.nan, 0, 0)),
        "big_endian": dict(endianness=">", qform=(OTHER, 1), sform=(ONE, 0)),
        "second_version": dict(kind=nibabel.Nifti2Header, qform=(OTHER, 1), sform=(ONE, 0), ending=".nii.gz"),
        "second_version_by_sform": dict(kind=nibabel.Nifti2Header, sform=(OTHER, 1)),
        "second_version_big_endian": dict(kind=nibabel.Nifti2Header, endianness=">", sform=(OTHER, 1)),
        "slope_zero": dict(slope=(0.0, 5.0)),
        "slope_nan": dict(slope=(float("nan"), 5.0)),
        "scaled": dict(slope=(0.25, -3.0)),
        "int64": dict(voxels=VOXELS.astype(numpy.int64)),
        "sheared_by_rounding": dict(sform=(sheared(5e-4), 1)),
        "spacing_by_rounding": dict(sform=(ONE * [[1.0005], [1], [1], [1]], 1)),
        "turned": dict(sform=(ONE, 0), qform=(TURNED, 1)),
        "turned_the_other_way": dict(sform=(ONE, 0), qform=(TURNED * [-1, 1, 1, 1], 1)),
    }
    for name, how in read.items():
        nifti(folder, name, **how)
        describe(folder, name, how.get("ending", ".nii"))
    nifti(folder, "damaged_qform", sform=(ONE, 0), quaternion=(0.9, 0.9, 0.9))
    nifti(folder, "sheared", sform=(sheared(5e-3), 1))
    nifti(folder, "spacing", sform=(ONE * [[1.01], [1], [1], [1]], 1))
    nifti(folder, "singular", sform=(ONE * [[0], [1], [1], [1]], 1))
    nifti(folder, "no_number", sform=(ONE * [[numpy.nan], [1], [1], [1]], 1))
    nifti(folder, "pair", magic=b"ni1")
    nifti(folder, "five", voxels=numpy.zeros((4, 5, 6, 1, 3), numpy.int16))
    nifti(folder, "packed", ending=".nii.gz")
    os.rename(f"{folder}/packed.nii.gz", f"{folder}/packed.nii")

    holes = VOXELS.astype(numpy.float32)
    holes[1, 2, 3], holes[0, 0, 0], holes[3, 4, 5] = numpy.nan, numpy.inf, -numpy.inf
    nifti(folder, "holes", voxels=holes)
    nibabel.save(nibabel.MGHImage(holes, ONE), f"{folder}/holes.mgh")
    nibabel.save(nibabel.MGHImage(VOXELS, sheared(5e-4)), f"{folder}/sheared_by_rounding.mgh")
    nibabel.save(nibabel.MGHImage(VOXELS, sheared(5e-3)), f"{folder}/sheared.mgh")

    # What nibabel makes of a float array of labels under a header of int16: scaled integers.
    labels = RANDOM.choice([0, 3, 17, 2035], SHAPE)
    image = nibabel.Nifti1Image(labels.astype(numpy.float32) + numpy.float32(0.001) * (labels == 2035), ONE)
    image.header.set_data_dtype(numpy.int16)
    nibabel.save(image, f"{folder}/float_labels.nii.gz")
    with open(f"{folder}/float_labels.json", "w") as out:
        json.dump({"voxels": labels.ravel(order="F").tolist(), "slope": float(nibabel.load(f"{folder}/float_labels.nii.gz").dataobj.slope)}, out)
    # A step of 3: ids 3 and 4 are one value.
    wide = nibabel.Nifti1Image(numpy.array([0, 3, 4, 200000], numpy.float32).reshape(4, 1, 1), ONE)
    wide.header.set_data_dtype(numpy.int16)
    nibabel.save(wide, f"{folder}/wide_labels.nii")
    nifti(folder, "half_labels", voxels=VOXELS, slope=(0.25, 0.0))
    near = VOXELS.astype(numpy.float32)
    near[0, 0, 0], near[1, 0, 0] = 2.9995, 4.002
    nifti(folder, "near_labels", voxels=near)
    near[1, 0, 0] = 4.0005
    nifti(folder, "nearer_labels", voxels=near)


main(sys.argv[1])
