// The part of a grid where there is something to fuse.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/labels/classes.hpp"
#include "data/volumes/box.hpp"
#include "model/atlas/fusion.hpp"

namespace crossfade::model {

using data::Box;

/// Whether a class id is that of a structure: not the background, and not of a voxel that nobody has judged.
constexpr bool is_labelled(int label) {
  return label != 0 && label != data::kIgnored;
}

/// The smallest box with all voxels that some atlas labels and `margin` more on each side, as far as the grid of `size`
/// has them; of size 0 where nothing is labelled.
Box labelled_box(const std::vector<WarpedAtlas>& atlases, const std::array<int, 3>& size, int margin);

/// The voxels of the box, in a grid of its own.
std::vector<std::uint8_t> cut(const std::vector<std::uint8_t>& voxels, const std::array<int, 3>& size, const Box& box);

/// The inverse: puts `part` where it was cut from.
void paste(const std::vector<std::uint8_t>& part, const Box& box, const std::array<int, 3>& size,
           std::vector<std::uint8_t>& voxels);

}  // namespace crossfade::model
