"""Images of several channels, and what nibabel reads of them.

    channel_volumes.py DIR    NAME.nii[.gz] or NAME.mgz, and expected.json: of each its affine and its channels, the first
                              axis fastest; and what must be refused
"""
import json
import sys

import nibabel
import numpy

AFFINE = numpy.array([[-1.5, 0, 0, 20], [0, 2, 0, -4], [0, 0, 2.5, 3], [0, 0, 0, 1.0]])


def main(folder):
    random = numpy.random.RandomState(14)
    expected = {}

    def save(name, voxels, slope=None, listed=True):
        """The channels are along the last axis of a shape of more than three; others of 1 may lie between."""
        kind = nibabel.MGHImage if name.endswith("z") and "nii" not in name else nibabel.Nifti1Image
        image = kind(voxels, AFFINE)
        if slope:
            image.header.set_slope_inter(*slope)  # said of the voxels, which are stored as they are
        nibabel.save(image, f"{folder}/{name}")
        if not listed:
            return
        read = nibabel.load(f"{folder}/{name}")
        values = read.get_fdata()
        values = values.reshape(*values.shape[:3], -1)
        expected[name] = {"affine": read.affine[:3].tolist(),
                          "channels": [values[..., c].ravel(order="F").tolist() for c in range(values.shape[3])]}

    for kind in ["u1", "i2", "i4", "f4", "f8"]:
        save(f"four_{kind}.nii", random.randint(0, 90, (3, 4, 5, 4)).astype(kind))
    save("two.nii.gz", random.randint(0, 90, (3, 4, 5, 2)).astype("i2"))
    save("scaled.nii", random.randint(0, 90, (3, 4, 5, 3)).astype("i2"), slope=(0.25, -3))
    save("single.nii", random.randint(0, 90, (3, 4, 5)).astype("i2"))
    save("flat.nii", random.randint(0, 90, (3, 4, 5, 1)).astype("i2"))
    save("vector.nii", random.randint(0, 90, (3, 4, 5, 1, 3)).astype("f4"))
    save("slices.nii", random.randint(0, 90, (3, 4, 1, 2)).astype("i2"))
    save("most.nii", random.randint(0, 90, (3, 4, 2, 64)).astype("u1"))
    save("single.mgz", random.randint(0, 90, (3, 4, 5)).astype("i2"))
    save("three.mgz", random.randint(0, 9000, (3, 4, 5, 3)).astype("i2"))
    save("most.mgz", random.randint(0, 90, (3, 4, 2, 64)).astype("f4"))

    holes = random.uniform(0, 9, (3, 4, 5, 3)).astype("f4")
    holes[0, 0, 0, 1], holes[2, 3, 4, 1], holes[1, 1, 1, 2] = numpy.nan, numpy.inf, -numpy.inf
    save("holes.nii", holes, listed=False)
    save("holes.mgz", holes, listed=False)
    save("series.nii", numpy.zeros((3, 4, 2, 65), "u1"), listed=False)
    save("series.mgz", numpy.zeros((3, 4, 2, 65), "u1"), listed=False)
    save("five.nii", numpy.zeros((3, 4, 5, 2, 3), "u1"), listed=False)
    with open(f"{folder}/expected.json", "w") as out:
        json.dump(expected, out)


main(sys.argv[1])
