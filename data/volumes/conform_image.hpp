// From a scan's own grid to the cube of 1 mm voxels that it shares with its labels, and from any intensities to uint8.
#pragma once

#include <cstdint>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Intensities on `target`, trilinear, without smoothing; 0 outside the hull of the voxel centres, as
/// scipy.ndimage.map_coordinates(order=1, mode="constant") has it. (`nearest_on` is 0 outside the voxels, half a voxel
/// further; half-way between two voxels it takes the higher index, as SciPy does.) A position outside by less than
/// 1e-4 of a voxel, which is rounding in the header, counts as on the border, where SciPy may lose a plane. Throws
/// std::runtime_error for a singular affine.
Volume<float> resample_linear(const Volume<float>& image, const Geometry& target);

/// `image` on its conformed grid.
Volume<float> conform_image(const Volume<float>& image);

/// Intensities as bytes: 0 to 0 and the `percentile` (above 0, at most 100) of the voxels above 0 to 255, linear,
/// rounded to nearest and clamped. The lower end is intensity 0, which is air in a magnitude image and what resampling
/// puts outside, so that negative values become 0. With 99.9, a thousandth of the voxels may be as bright as it likes
/// and changes nothing. The percentile is the voxel at position floor(percentile / 100 * (n - 1)) of the n in order.
/// NaN becomes 0, infinity 255 (neither is counted). Where no voxel is above 0 the result is 0. Throws
/// std::invalid_argument for another percentile.
Volume<std::uint8_t> to_uint8(const Volume<float>& image, double percentile = 99.9);

}  // namespace crossfade::data
