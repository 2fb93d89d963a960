// Slices of the other planes, made from axial ones.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/shard.hpp"

namespace crossfade::data {

/// As shards name them.
inline constexpr std::array<std::string_view, 3> kPlanes = {"axial", "coronal", "sagittal"};

bool is_plane(std::string_view plane);

/// How an axial volume is turned so that its last axis counts the slices of `plane`: coronal slices have right by
/// superior, sagittal ones anterior by superior. Throws std::invalid_argument for a plane of another name.
Reorientation reorientation_of(std::string_view plane);

/// Whether slices of `plane` do not tell left from right: sagittal ones.
bool merges_sides(std::string_view plane);

/// A class as sagittal slices show it, which do not tell the sides apart: the left twin of a right structure, and any
/// other class itself.
std::uint8_t merged_sides(std::uint8_t structure);

/// Axial contents as slices of `plane`; in the sagittal one with left and right merged (Roy et al. 2019). Every voxel
/// keeps its place in space. Throws std::invalid_argument for contents of another plane.
ShardContents turned(ShardContents axial, const std::string& plane);

/// Makes the missing shards SUBJECT.h5 in `directory` from the axial ones in `axial`. Idempotent; call it from one
/// process only. Throws std::runtime_error naming the offending file.
void turn_shards(const std::filesystem::path& axial, const std::vector<std::string>& subjects,
                 const std::filesystem::path& directory, const std::string& plane);

}  // namespace crossfade::data
