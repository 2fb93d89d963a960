#include "data/volumes/background.hpp"

#include <algorithm>
#include <unordered_map>

namespace crossfade::data {
namespace {

/// Calls `take` with each voxel on a face of the volume, those on edges once.
template <class Take>
void each_on_faces(const Volume<float>& image, const Take& take) {
  const auto& size = image.geometry.size;
  // A volume of one slice has its border within the slice.
  const bool one_slice = std::ranges::count(size, 1) == 1;
  const auto at_end = [&](int index, std::size_t axis) {
    return !(one_slice && size[axis] == 1) && (index == 0 || index == size[axis] - 1);
  };
  for (int k = 0; k < size[2]; ++k)
    for (int j = 0; j < size[1]; ++j) {
      const bool whole_row = at_end(k, 2) || at_end(j, 1);
      if (!whole_row && !at_end(0, 0)) continue;  // within a slice whose normal is the first axis
      const int step = whole_row ? 1 : std::max(size[0] - 1, 1);
      for (int i = 0; i < size[0]; i += step) take(image.at(i, j, k));
    }
}

}  // namespace

std::optional<float> background_of(const Volume<float>& image) {
  std::unordered_map<float, std::size_t> counts;
  std::size_t total = 0;
  each_on_faces(image, [&](float value) {
    ++counts[value];
    ++total;
  });
  const auto most = std::ranges::max_element(counts, {}, [](const auto& count) { return count.second; });
  if (most == counts.end() || 2 * most->second < total) return std::nullopt;
  return most->first;
}

}  // namespace crossfade::data
