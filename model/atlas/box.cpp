#include "model/atlas/box.hpp"

#include <algorithm>

namespace crossfade::model {
namespace {

/// Calls `visit` with index and place of each voxel of the box, in the order of the grid.
template <class Visit>
void for_each_voxel(const Box& box, const std::array<int, 3>& size, Visit visit) {
  for (int k = box.first[2]; k < box.end[2]; ++k) {
    for (int j = box.first[1]; j < box.end[1]; ++j) {
      const std::size_t row =
          static_cast<std::size_t>(size[0]) *
          (static_cast<std::size_t>(j) + static_cast<std::size_t>(size[1]) * static_cast<std::size_t>(k));
      for (int i = box.first[0]; i < box.end[0]; ++i)
        visit(row + static_cast<std::size_t>(i), std::array<int, 3>{i, j, k});
    }
  }
}

}  // namespace

Box labelled_box(const std::vector<WarpedAtlas>& atlases, const std::array<int, 3>& size, int margin) {
  Box box{size, {}};
  for_each_voxel({{}, size}, size, [&](std::size_t v, const std::array<int, 3>& at) {
    if (std::ranges::none_of(atlases, [v](const WarpedAtlas& atlas) { return atlas.labels[v] != 0; })) return;
    for (std::size_t a = 0; a < 3; ++a) {
      box.first[a] = std::min(box.first[a], at[a]);
      box.end[a] = std::max(box.end[a], at[a] + 1);
    }
  });
  if (box.end[0] == 0) return {};
  for (std::size_t a = 0; a < 3; ++a) {
    box.first[a] = std::max(box.first[a] - margin, 0);
    box.end[a] = std::min(box.end[a] + margin, size[a]);
  }
  return box;
}

std::vector<std::uint8_t> cut(const std::vector<std::uint8_t>& voxels, const std::array<int, 3>& size, const Box& box) {
  std::vector<std::uint8_t> part;
  for_each_voxel(box, size, [&](std::size_t v, const auto&) { part.push_back(voxels[v]); });
  return part;
}

void paste(const std::vector<std::uint8_t>& part, const Box& box, const std::array<int, 3>& size,
           std::vector<std::uint8_t>& voxels) {
  auto from = part.begin();
  for_each_voxel(box, size, [&](std::size_t v, const auto&) { voxels[v] = *from++; });
}

}  // namespace crossfade::model
