"""Resamples a uint8 cube as data/volumes/resample.hpp says, by SciPy: resample_reference.py IN OUT size target scale offset"""
import sys

import numpy
from scipy.ndimage import gaussian_filter, map_coordinates

size, target = int(sys.argv[3]), int(sys.argv[4])
scale, offset = float(sys.argv[5]), float(sys.argv[6])
image = numpy.fromfile(sys.argv[1], numpy.uint8).reshape(size, size, size).astype(float)
if scale > 1:
    image = gaussian_filter(image, numpy.sqrt((scale**2 - 1) / (8 * numpy.log(2))), mode="constant", truncate=4)
places = scale * numpy.arange(target) + offset
grid = numpy.meshgrid(places, places, places, indexing="ij")
map_coordinates(image, grid, order=1, mode="grid-constant").astype(numpy.float32).tofile(sys.argv[2])
