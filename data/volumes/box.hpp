// Boxes of voxels: what lies beyond them need not be looked at.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Voxels [low, high) of a grid, or beyond it. The default is empty, and any box that it includes becomes it.
struct Box {
  static constexpr int kFar = std::numeric_limits<int>::max();
  std::array<int, 3> low{kFar, kFar, kFar}, high{0, 0, 0};

  bool empty() const { return low[0] >= high[0]; }
  int size(std::size_t axis) const { return high[axis] - low[axis]; }
  std::array<int, 3> size() const { return {size(0), size(1), size(2)}; }
  bool has_row(int j, int k) const { return j >= low[1] && j < high[1] && k >= low[2] && k < high[2]; }
  void include(const Box& other) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], other.low[axis]);
      high[axis] = std::max(high[axis], other.high[axis]);
    }
  }
};

/// The box and `margin` more voxels on each side, as far as a grid of `size` has them; from 0 to 0 where it is empty.
inline Box widened_within(Box box, const std::array<int, 3>& margin, const std::array<int, 3>& size) {
  if (box.empty()) return {{0, 0, 0}, {0, 0, 0}};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    box.low[axis] = std::max(0, box.low[axis] - margin[axis]);
    box.high[axis] = std::min(size[axis], box.high[axis] + margin[axis]);
  }
  return box;
}

/// The smallest box that holds every voxel other than 0, widened_within() the grid.
template <class T>
Box box_of_contents(const Volume<T>& volume, const std::array<int, 3>& margin) {
  const std::array<int, 3>& size = volume.geometry.size;
  Box box;
  for (int k = 0; k < size[2]; ++k)
    for (int j = 0; j < size[1]; ++j) {
      const auto begin = volume.voxels.begin() + static_cast<std::ptrdiff_t>(volume.index(0, j, k));
      const auto end = begin + size[0];
      const auto first = std::find_if(begin, end, [](T voxel) { return voxel != 0; });
      if (first == end) continue;
      auto behind = end;
      while (*(behind - 1) == 0) --behind;
      box.include({{static_cast<int>(first - begin), j, k}, {static_cast<int>(behind - begin), j + 1, k + 1}});
    }
  return widened_within(box, margin, size);
}

}  // namespace crossfade::data
