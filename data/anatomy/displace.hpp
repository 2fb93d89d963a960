// A label volume moved by a smooth random displacement. Private to data/.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "data/anatomy/smooth_field.hpp"
#include "data/volumes/box.hpp"

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
  std::array<int, 3> last{}, reach{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    per_mm[axis] = static_cast<float>(1 / spacing[axis]);
    last[axis] = grid.size[axis] - 1;
    reach[axis] = static_cast<int>(std::ceil(displacement[axis].bound() * per_mm[axis])) + 1;  // 1: for rounding
  }
  // The voxels along an axis that a row comes from. Half-way is up; what is below 0, where a cast does not round down,
  // becomes 0 all the same.
  std::array<std::vector<int>, 3> source;
  source.fill(std::vector<int>(static_cast<std::size_t>(grid.size[0])));
  const auto find = [&](std::size_t axis, int j, int k, const Box& box) {
    const float* shift_mm = displacement[axis].row(j, k).data();
    int* found = source[axis].data();
    const float scale = per_mm[axis];
    const int at_end = last[axis];
    for (int i = box.low[0]; i < box.high[0]; ++i) {
      const auto index = static_cast<float>(axis == 0 ? i : axis == 1 ? j : k);
      found[i] = std::clamp(static_cast<int>(index + shift_mm[i] * scale + 0.5F), 0, at_end);
    }
  };
  Volume<T> moved{grid, std::vector<T>(labels.voxels.size())};
  const Box box = box_of_contents(labels, reach);  // beyond it all stays 0
  for (int k = box.low[2]; k < box.high[2]; ++k) {
    for (int j = box.low[1]; j < box.high[1]; ++j) {
      for (const std::size_t axis : {0, 1, 2}) find(axis, j, k, box);
      T* to = &moved.at(0, j, k);
      for (auto n = static_cast<std::size_t>(box.low[0]); n < static_cast<std::size_t>(box.high[0]); ++n)
        to[n] = labels.at(source[0][n], source[1][n], source[2][n]);
    }
  }
  return moved;
}

}  // namespace crossfade::data
