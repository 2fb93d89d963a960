// Maps between the voxel indices of two grids.
#pragma once

#include <array>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// As `Geometry::affine`: three rows of what multiplies (i, j, k, 1).
using Affine = std::array<std::array<double, 4>, 3>;

/// Throws std::runtime_error where the three axes don't span space, whatever the size of the voxels.
void require_invertible(const Affine& affine);

/// What takes a voxel index of a grid with affine `from` to the voxel index at the same place of one with `to`. Throws
/// std::runtime_error as require_invertible() for `to`.
Affine index_map(const Affine& from, const Affine& to);

inline std::array<double, 3> apply(const Affine& a, double i, double j, double k) {
  std::array<double, 3> p{};
  for (std::size_t row = 0; row < 3; ++row) p[row] = a[row][0] * i + a[row][1] * j + a[row][2] * k + a[row][3];
  return p;
}

}  // namespace crossfade::data
