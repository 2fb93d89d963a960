"""Writes volumes in all 48 orientations with odd spacings, and what nibabel makes of them.

    nibabel_volumes.py mgz DIR      N.mgh or N.mgz of every type that nibabel knows, and N.txt as nibabel reads it
    nibabel_volumes.py conform DIR  N.scan.* and N.labels.*, as .nii[.gz] and .mgz, and a block of the cubes of
                                    nibabel.processing.conform, in float64 before it casts: see write_conformed; and
                                    NIfTI of all types: see write_types
    nibabel_volumes.py cohort DIR   folders images, labels and automatic of three subjects, and what must become of
                                    them: see write_cohort
"""
import itertools
import os
import sys

import nibabel
import numpy
from nibabel.affines import rescale_affine
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from nibabel.processing import conform, resample_from_to

CUBE, BLOCK_START, BLOCK = (256, 256, 256), 111, 32  # every small volume lies within the block


def affines(spacings, further=0.0):
    """All 48 orientations; three of four are turned, which makes them oblique, and all by `further` radians."""
    for number, (axes, signs) in enumerate(
            itertools.product(itertools.permutations(range(3)), itertools.product([1, -1], repeat=3))):
        affine = numpy.eye(4)
        affine[:3, :3] = 0
        for column in range(3):
            affine[axes[column], column] = signs[column] * spacings[column]
        angle = 0.08 * (number % 4) + further
        for plane in [(0, 1), (1, 2)]:
            turn = numpy.eye(4)
            turn[numpy.ix_(plane, plane)] = [[numpy.cos(angle), -numpy.sin(angle)], [numpy.sin(angle), numpy.cos(angle)]]
            affine = turn @ affine
        affine[:3, 3] = [-12.5, 33.25, 7]
        yield number, affine


def write_mgz(folder):
    random = numpy.random.RandomState(5)
    types = [numpy.uint8, numpy.int16, numpy.int32, numpy.float32]
    for number, affine in affines([0.7, 1.25, 2.1]):
        voxels = random.randint(0, 250, (3, 4, 5))
        if number % 4:
            voxels = voxels * random.choice([-1, 100], voxels.shape)  # needs both bytes, and the sign
        name = f"{folder}/{number}." + ("mgz" if number % 8 < 4 else "mgh")
        nibabel.save(nibabel.MGHImage(voxels.astype(types[number % 4]), affine), name)
        read = nibabel.load(name)
        with open(f"{folder}/{number}.txt", "w") as out:  # size, affine row by row, voxels with the first axis fastest
            print(*read.shape, file=out)
            print(*[repr(float(x)) for x in read.affine[:3].ravel()], file=out)
            print(*numpy.asarray(read.dataobj).astype(int).ravel(order="F"), file=out)
    half = numpy.full((3, 3, 3), 1.5, numpy.float32)
    nibabel.save(nibabel.MGHImage(half, numpy.eye(4)), f"{folder}/half.mgz")
    nibabel.save(nibabel.MGHImage(numpy.zeros((3, 3, 3, 2), numpy.uint8), numpy.eye(4)), f"{folder}/two.mgz")


def save(folder, name, number, voxels, affine):
    """As NIfTI and as MGZ; returns both as nibabel reads them again, with their header's float32."""
    nifti = nibabel.Nifti1Image(voxels, affine)
    if number % 5 == 3 and voxels.dtype == numpy.float32:  # stored as int16 with slope and intercept
        nifti.header.set_data_dtype(numpy.int16)
    paths = [f"{folder}/{number}.{name}.nii" + (".gz" if number % 2 else ""), f"{folder}/{number}.{name}.mgz"]
    nibabel.save(nifti, paths[0])
    nibabel.save(nibabel.MGHImage(voxels, affine), paths[1])
    return [nibabel.load(path) for path in paths]


def target_of(image):
    """Affine of the cube, by the steps of nibabel.processing.conform."""
    reoriented = image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt("RAS")))
    return rescale_affine(reoriented.affine, reoriented.shape, (1, 1, 1), CUBE)


def block_of(cube):
    block = cube.copy()
    block[:3, 3] = nibabel.affines.apply_affine(cube, [BLOCK_START] * 3)
    return block


def undecided(image, target, limits):
    """Voxels of the block that lie where the result jumps, to 2e-4 of a voxel: by rounding they may be on either side.
    (data/volumes/conform_image.hpp allows for 1e-4.)"""
    block = numpy.stack(numpy.meshgrid(*[numpy.arange(BLOCK)] * 3, indexing="ij"), -1)
    places = nibabel.affines.apply_affine(numpy.linalg.inv(image.affine) @ target, block)
    result = numpy.zeros(block.shape[:3], bool)
    for axis in range(3):
        for limit in limits(image.shape[axis]):
            result |= numpy.abs(places[..., axis] - limit) < 2e-4
    return result


def resampled(image, target, order):
    double = nibabel.Nifti1Image(image.get_fdata(), image.affine)  # else SciPy rounds to the type of the file
    return resample_from_to(double, ((BLOCK,) * 3, target), order=order, mode="constant", cval=0.0).get_fdata()


def with_border(image, mode="constant"):
    """With a voxel of 0, or of the edge's value, all around. For SciPy a volume ends at the centres of its outer
    voxels; so it ends at their outer faces, as it does in data/volumes/conform.hpp, or further out."""
    affine = image.affine.copy()
    affine[:3, 3] = nibabel.affines.apply_affine(image.affine, [-1, -1, -1])
    return nibabel.Nifti1Image(numpy.pad(image.get_fdata(), 1, mode=mode), affine)


def faces(size):
    return [-0.5, size - 0.5]


def linear_on(image, target):
    """Trilinear within the outer voxels' centres, the edge's value to their faces, 0 beyond."""
    result = resampled(with_border(image, "edge"), target, 1)
    block = numpy.stack(numpy.meshgrid(*[numpy.arange(BLOCK)] * 3, indexing="ij"), -1)
    places = nibabel.affines.apply_affine(numpy.linalg.inv(image.affine) @ target, block)
    limits = numpy.array(image.shape)
    result[numpy.any((places < -0.5) | (places >= limits - 0.5), axis=-1)] = 0
    between_centres = numpy.all((places >= 0) & (places <= limits - 1), axis=-1)
    assert numpy.allclose(result[between_centres], resampled(image, target, 1)[between_centres])
    return result


def write_conformed(folder):
    """For each pair and format: .affine, the 12 numbers of the scan's cube; of its block, first axis fastest, .linear,
    the scan, and .nearest, the labels, which lie on another, turned grid; .turned, the scan on the block of the labels'
    own cube. float32 with NaN or int32 with -1 where undecided."""
    random = numpy.random.RandomState(6)
    pairs = zip(affines([0.7, 1.25, 2.1]), affines([0.8, 1.1, 1.9], further=0.1))
    for (number, scan_affine), (_, label_affine) in pairs:
        scans = save(folder, "scan", number, random.uniform(0, 1000, (17, 12, 9)).astype(numpy.float32), scan_affine)
        labels = save(folder, "labels", number, random.randint(1, 200, (15, 13, 10)).astype(numpy.int16), label_affine)
        for scan, label, suffix in zip(scans, labels, ["nii", "mgz"]):
            cube = target_of(scan)
            block = block_of(cube)
            linear = linear_on(scan, block)
            if number in (0, 21) and suffix == "mgz":  # in full, by conform itself, between the centres; takes seconds
                whole = conform(nibabel.Nifti1Image(scan.get_fdata(), scan.affine), CUBE, (1, 1, 1), order=1,
                                orientation="RAS")
                inside = (slice(BLOCK_START, BLOCK_START + BLOCK),) * 3
                there = whole.get_fdata()[inside] > 0
                assert numpy.allclose(whole.affine, cube)
                assert numpy.allclose(whole.get_fdata()[inside][there], linear[there]) and there.sum() > 2000
            turned_block = block_of(target_of(label))
            turned = linear_on(scan, turned_block)
            nearest = resampled(with_border(label), block, 0)
            for target, result in [(block, linear), (turned_block, turned)]:
                result[undecided(scan, target, faces)] = numpy.nan
            nearest[undecided(label, block, lambda size: numpy.arange(size + 1) - 0.5)] = -1
            prefix = f"{folder}/{number}.{suffix}"
            cube[:3].astype(float).tofile(prefix + ".affine")
            linear.ravel(order="F").astype(numpy.float32).tofile(prefix + ".linear")
            turned.ravel(order="F").astype(numpy.float32).tofile(prefix + ".turned")
            nearest.ravel(order="F").astype(numpy.int32).tofile(prefix + ".nearest")


def write_types(folder):
    """TYPE.nii of every integer and real type, 4-D with a last dimension of 1, stored as 2 * (value + 3), and value.raw."""
    stored = numpy.random.RandomState(7).randint(0, 120, (3, 4, 5, 1))
    values = 0.5 * stored - 3
    for name in ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]:
        image = nibabel.Nifti1Image(stored.astype(name), numpy.eye(4), dtype=name)
        image.header.set_slope_inter(0.5, -3)  # said of the voxels, which are stored as they are
        nibabel.save(image, f"{folder}/{name}.nii")
        assert numpy.array_equal(nibabel.load(f"{folder}/{name}.nii").get_fdata(), values)
    values.ravel(order="F").astype(numpy.float32).tofile(f"{folder}/value.raw")
    nibabel.save(nibabel.Nifti1Image(numpy.zeros((3, 3, 3, 2), numpy.uint8), numpy.eye(4)), f"{folder}/four.nii")
    colours = numpy.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colours, numpy.eye(4)), f"{folder}/colours.nii")


def write_scans(folder):
    write_conformed(folder)
    write_types(folder)


def centred(affine, shape, centre):
    affine = affine.copy()
    affine[:3, 3] = centre - affine[:3, :3] @ (numpy.array(shape) - 1) / 2
    return affine


def classes_on(image, target, class_of):
    """Classes of a label map on the block, -1 where undecided."""
    nearest = resampled(with_border(image), target, 0)
    classes = numpy.vectorize(lambda value: class_of.get(int(value), 0))(nearest)
    classes[undecided(image, target, lambda size: numpy.arange(size + 1) - 0.5)] = -1
    return classes


def write_cohort(folder):
    """a and b are turned, their labels lie on grids of their own, turned further; the axes of c and of its labels are
    parallel and in another order. SUBJECT.grey: the block of the conformed image in grey levels before rounding, NaN
    where undecided; SUBJECT.labels, SUBJECT.automatic: its classes, int32, -1 where undecided. Ids of the manual labels
    are MICCAI-2012's and those of the automatic ones FreeSurfer's, by the list of structures in docs/data.md."""
    miccai = {45: 1, 44: 3, 60: 8, 59: 21, 999: 0}
    freesurfer = {2: 1, 41: 3, 10: 8, 49: 21, 502: 0}
    scan_affines = dict(affines([0.7, 1.25, 2.1]))
    label_affines = dict(affines([1.2, 1.1, 1.9]))
    turned_affines = dict(affines([0.8, 1.1, 1.9], further=0.1))
    grids = {"a": (scan_affines[5], turned_affines[5], scan_affines[5]),
             "b": (scan_affines[22], turned_affines[23], turned_affines[22]),
             "c": (scan_affines[16], label_affines[32], scan_affines[16])}
    files = {"a": ("images/a.nii.gz", "labels/a.mgz", "automatic/a.nii"),
             "b": ("images/b.mgz", "labels/b.nii.gz", "automatic/b.mgh"),
             "c": ("images/c.nii", "labels/c.mgh", "automatic/c.nii.gz")}
    random = numpy.random.RandomState(8)

    def written(name, voxels, affine):
        # Odd shifts, so that no plane of voxels lies half-way between two of another grid.
        centre = numpy.array([-12.5, 33.25, 7]) + {"images": 0, "labels": 0.13, "automatic": 0}[name.split("/")[0]]
        kind = nibabel.MGHImage if name.endswith((".mgz", ".mgh")) else nibabel.Nifti1Image
        nibabel.save(kind(voxels, centred(affine, voxels.shape, centre)), f"{folder}/{name}")
        return nibabel.load(f"{folder}/{name}")

    for name in ["images", "labels", "automatic"]:
        os.mkdir(f"{folder}/{name}")
    for subject, (scan_affine, manual_affine, automatic_affine) in grids.items():
        scan_file, manual_file, automatic_file = files[subject]
        scan = written(scan_file, random.uniform(1, 3000, (17, 12, 9)).astype(numpy.float32), scan_affine)
        manual = written(manual_file, random.choice(list(miccai), (12, 11, 9)).astype(numpy.int16), manual_affine)
        size = (16, 12, 9) if subject == "b" else (17, 12, 9)  # of one size, labels must lie where the image lies
        automatic = written(automatic_file, random.choice(list(freesurfer), size).astype(numpy.int16), automatic_affine)
        block = block_of(target_of(scan))
        linear = linear_on(scan, block)
        above = numpy.sort(linear[linear > 0])
        grey = numpy.minimum(linear / above[int(0.999 * (len(above) - 1))], 1) * 255
        grey[undecided(scan, block, faces)] = numpy.nan
        grey.ravel(order="F").astype(numpy.float32).tofile(f"{folder}/{subject}.grey")
        for name, image, class_of in [("labels", manual, miccai), ("automatic", automatic, freesurfer)]:
            classes_on(image, block, class_of).ravel(order="F").astype(numpy.int32).tofile(f"{folder}/{subject}.{name}")


{"mgz": write_mgz, "conform": write_scans, "cohort": write_cohort}[sys.argv[1]](sys.argv[2])
