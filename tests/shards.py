"""Datasets of shards as numpy arrays, by HDF5's own library."""

import ctypes
import ctypes.util

import numpy

hdf5 = ctypes.CDLL(ctypes.util.find_library("hdf5_serial") or "libhdf5_serial.so")
identifier = ctypes.c_int64
for name in ("H5Fopen", "H5Dopen2", "H5Aopen_by_name", "H5Dget_space", "H5Aget_space"):
    getattr(hdf5, name).restype = identifier
hdf5.H5open()


def of_type(name):
    return identifier(identifier.in_dll(hdf5, name).value)


def shape_of(space):
    sizes = (ctypes.c_uint64 * 8)()
    return tuple(sizes[:hdf5.H5Sget_simple_extent_dims(identifier(space), sizes, None)])


def opened(path):
    file = hdf5.H5Fopen(str(path).encode(), 0, identifier(0))
    assert file >= 0, path
    return file


NATIVE = {numpy.uint8: "H5T_NATIVE_UINT8_g", numpy.uint64: "H5T_NATIVE_UINT64_g", numpy.float64: "H5T_NATIVE_DOUBLE_g"}


def read(path, dataset, dtype=numpy.uint8):
    """A dataset as this type, to which HDF5 converts it."""
    file = opened(path)
    data = hdf5.H5Dopen2(identifier(file), dataset.encode(), identifier(0))
    assert data >= 0, dataset
    values = numpy.empty(shape_of(hdf5.H5Dget_space(identifier(data))), dtype)
    everything = identifier(0)
    assert hdf5.H5Dread(identifier(data), of_type(NATIVE[dtype]), everything, everything, identifier(0),
                        values.ctypes.data_as(ctypes.c_void_p)) >= 0
    hdf5.H5Dclose(identifier(data))
    hdf5.H5Fclose(identifier(file))
    return values


def affine(path, group):
    """The attribute `affine` of "scans" or "original"."""
    file = opened(path)
    attribute = hdf5.H5Aopen_by_name(identifier(file), group.encode(), b"affine", identifier(0), identifier(0))
    assert attribute >= 0, group
    values = numpy.empty((3, 4))
    assert hdf5.H5Aread(identifier(attribute), of_type("H5T_NATIVE_DOUBLE_g"), values.ctypes.data_as(ctypes.c_void_p)) >= 0
    hdf5.H5Aclose(identifier(attribute))
    hdf5.H5Fclose(identifier(file))
    return values
