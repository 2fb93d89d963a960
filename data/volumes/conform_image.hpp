// From a scan's own grid to the cube of 1 mm voxels that it shares with its labels, and from any intensities to uint8.
#pragma once

#include <cstdint>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Intensities on `target`, trilinear, without smoothing; within half a voxel of the outer centres the edge's value, 0
/// beyond: so that an image ends where its labels do (`nearest_on`). Between the centres as
/// scipy.ndimage.map_coordinates(order=1) has it. A face of the volume belongs to it at the low end of an axis and not
/// at the high one, as for labels; 1e-4 of a voxel are allowed for rounding in the header. Throws std::runtime_error
/// for a singular affine.
Volume<float> resample_linear(const Volume<float>& image, const Geometry& target);

/// `image` on its conformed grid.
Volume<float> conform_image(const Volume<float>& image);

/// Intensities as bytes: 0 to 0 and the `percentile` (above 0, at most 100) of the voxels above 0 to 255, linear,
/// rounded to nearest and clamped. The lower end is intensity 0, which is air in a magnitude image and what resampling
/// puts outside, so that negative values become 0. With 99.9, a thousandth of the voxels may be as bright as it likes
/// and changes nothing. The percentile is the voxel at position floor(percentile / 100 * (n - 1)) of the n in order.
/// NaN becomes 0, infinity 255 (neither is counted; readers leave none). Where no voxel is above 0 the result is 0.
/// Throws std::invalid_argument for another percentile.
Volume<std::uint8_t> to_uint8(const Volume<float>& image, double percentile = 99.9);

}  // namespace crossfade::data
