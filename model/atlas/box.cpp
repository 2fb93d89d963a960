#include "model/atlas/box.hpp"

#include <algorithm>

namespace crossfade::model {
namespace {

/// Calls `visit` with index and place of each voxel of the box, in the order of the grid.
template <class Visit>
void for_each_voxel(const Box& box, const std::array<int, 3>& size, Visit visit) {
  for (int k = box.low[2]; k < box.high[2]; ++k) {
    for (int j = box.low[1]; j < box.high[1]; ++j) {
      const std::size_t row =
          static_cast<std::size_t>(size[0]) *
          (static_cast<std::size_t>(j) + static_cast<std::size_t>(size[1]) * static_cast<std::size_t>(k));
      for (int i = box.low[0]; i < box.high[0]; ++i)
        visit(row + static_cast<std::size_t>(i), std::array<int, 3>{i, j, k});
    }
  }
}

}  // namespace

Box labelled_box(const std::vector<WarpedAtlas>& atlases, const std::array<int, 3>& size, int margin) {
  Box box;
  for_each_voxel({{0, 0, 0}, size}, size, [&](std::size_t v, const std::array<int, 3>& at) {
    if (std::ranges::none_of(atlases, [v](const WarpedAtlas& atlas) { return is_labelled(atlas.labels[v]); })) return;
    box.include({at, {at[0] + 1, at[1] + 1, at[2] + 1}});
  });
  return data::widened_within(box, {margin, margin, margin}, size);
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
