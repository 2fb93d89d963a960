// From one canonical grid to another.
#pragma once

#include <cstdint>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Intensities on `target`: trilinear, after a Gaussian that takes away what a coarser grid cannot hold. 0 outside.
Volume<std::uint8_t> resample_image(const Volume<std::uint8_t>& image, const Geometry& target);

/// Classes on `target`: on a coarser grid the class that fills most of each voxel (ties: the smaller id), else the
/// nearest voxel. 0 outside. Axes of both grids must be parallel; throws std::invalid_argument otherwise.
Volume<std::uint8_t> resample_labels(const Volume<std::uint8_t>& labels, const Geometry& target);

}  // namespace crossfade::data
