// A label volume moved by a smooth random displacement. Private to data/.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "data/anatomy/smooth_field.hpp"

namespace crossfade::data {

/// `labels` moved by a displacement with standard deviation `sd_mm` per axis, smooth over `knot_mm` (nearest voxel; the
/// grid stays). The edge voxel continues outside: a neck that leaves the volume still does.
template <class T>
Volume<T> displace(const Volume<T>& labels, double sd_mm, double knot_mm, Random random) {
  const Geometry& grid = labels.geometry;
  std::array<SmoothField, 3> displacement{SmoothField(grid, knot_mm, sd_mm, random),
                                          SmoothField(grid, knot_mm, sd_mm, random),
                                          SmoothField(grid, knot_mm, sd_mm, random)};
  const std::array<double, 3> spacing = grid.spacing();
  std::array<float, 3> per_mm{};
  std::array<int, 3> last{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    per_mm[axis] = static_cast<float>(1 / spacing[axis]);
    last[axis] = grid.size[axis] - 1;
  }
  const auto source = [&](std::size_t axis, int index, float shift_mm) {
    const auto nearest = static_cast<int>(std::floor(static_cast<float>(index) + shift_mm * per_mm[axis] + 0.5F));
    return std::clamp(nearest, 0, last[axis]);
  };
  Volume<T> moved{grid, std::vector<T>(labels.voxels.size())};
  std::size_t to = 0;
  for (int k = 0; k < grid.size[2]; ++k) {
    for (int j = 0; j < grid.size[1]; ++j) {
      const std::vector<float>&x = displacement[0].row(j, k), &y = displacement[1].row(j, k),
            &z = displacement[2].row(j, k);
      for (int i = 0; i < grid.size[0]; ++i) {
        const auto n = static_cast<std::size_t>(i);
        moved.voxels[to++] = labels.at(source(0, i, x[n]), source(1, j, y[n]), source(2, k, z[n]));
      }
    }
  }
  return moved;
}

}  // namespace crossfade::data
