// Exact Euclidean distances from voxels to a set of voxels.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace crossfade::data {

/// A set of voxels in a box, i fastest as in Volume: those that are not 0.
struct Mask {
  std::array<int, 3> size{};
  std::array<double, 3> spacing{1, 1, 1};  // mm
  std::vector<std::uint8_t> voxels;
};

/// For each voxel of a box, the voxel of a mask whose centre is nearest to its own.
struct NearestVoxels {
  std::vector<float> squared_mm;    // distance of the centres, squared: 0 within the mask, infinity for an empty one
  std::vector<std::int32_t> index;  // in Mask::voxels; the lowest among equally near ones; -1 for an empty mask
};

/// The exact Euclidean distance transform, by the lower envelope of parabolas along i, then j, then k (Felzenszwalb &
/// Huttenlocher 2012): linear in the number of voxels. Distances are rounded to float along each axis, so at spacings
/// whose squares are no binary fractions equally near voxels may count as different. Throws std::invalid_argument where
/// voxels do not fill the box.
NearestVoxels nearest_voxels(const Mask& mask);

}  // namespace crossfade::data
