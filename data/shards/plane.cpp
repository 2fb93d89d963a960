#include "data/shards/plane.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "data/labels/structures.hpp"

namespace crossfade::data {
namespace {

std::array<std::uint8_t, kClasses> left_twins() {
  std::array<std::uint8_t, kClasses> twins{};
  constexpr std::string_view kRight = "Right-";
  for (std::size_t c = 0; c < kClasses; ++c) {
    twins[c] = static_cast<std::uint8_t>(c);
    if (!kStructures[c].starts_with(kRight)) continue;
    const auto without_side = [&](std::string_view name) { return name.starts_with("Left-") ? name.substr(5) : ""; };
    twins[c] = static_cast<std::uint8_t>(
        std::ranges::find(kStructures, kStructures[c].substr(kRight.size()), without_side) - kStructures.begin());
  }
  return twins;
}

}  // namespace

bool is_plane(std::string_view plane) {
  return std::ranges::find(kPlanes, plane) != kPlanes.end();
}

Reorientation reorientation_of(std::string_view plane) {
  if (plane == "axial") return {};
  if (plane == "coronal") return {{0, 2, 1}, {}};
  if (plane == "sagittal") return {{1, 2, 0}, {}};
  throw std::invalid_argument("'" + std::string(plane) + "' is no plane: axial, coronal or sagittal");
}

bool merges_sides(std::string_view plane) {
  return plane == "sagittal";
}

std::uint8_t merged_sides(std::uint8_t structure) {
  static const auto twins = left_twins();
  return twins.at(structure);
}

}  // namespace crossfade::data
