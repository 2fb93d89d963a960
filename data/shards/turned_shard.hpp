// Shards of the other planes, made from axial ones.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/shards/shard.hpp"

namespace crossfade::data {

/// Axial contents as slices of `plane`; in the sagittal one with left and right merged (Roy et al. 2019). Every voxel
/// keeps its place in space. Throws std::invalid_argument for contents of another plane.
ShardContents turned(ShardContents axial, const std::string& plane);

/// Makes the missing shards SUBJECT.h5 in `directory` from the axial ones in `axial`. Idempotent; call it from one
/// process only. Throws std::runtime_error naming the offending file.
void turn_shards(const std::filesystem::path& axial, const std::vector<std::string>& subjects,
                 const std::filesystem::path& directory, const std::string& plane);

}  // namespace crossfade::data
