// The planes that slices are cut in: their names, their axes, and whether they tell the sides apart.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "data/labels/classes.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// As shards name them.
inline constexpr std::array<std::string_view, 3> kPlanes = {"axial", "coronal", "sagittal"};

bool is_plane(std::string_view plane);

/// How an axial volume is turned so that its last axis counts the slices of `plane`: coronal slices have right by
/// superior, sagittal ones anterior by superior. Throws std::invalid_argument for a plane of another name.
Reorientation reorientation_of(std::string_view plane);

/// Whether slices of `plane` do not tell left from right: sagittal ones.
bool merges_sides(std::string_view plane);

/// A class as sagittal slices show it, which do not tell the sides apart: the left twin of a class on the right, and
/// any other class itself, kIgnored too.
inline std::uint8_t merged_sides(const Classes& classes, std::uint8_t c) {
  return c == kIgnored ? kIgnored : classes.left_twin.at(c);
}

}  // namespace crossfade::data
