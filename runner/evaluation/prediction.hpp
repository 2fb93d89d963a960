// Predictions in the space and with the ids that a subject came with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "analysis/scores/dice.hpp"
#include "data/shards/shard.hpp"

namespace crossfade::runner {

/// Writes `classes` ([slices, H, W], on the shard's grid) as a NIfTI label map on the subject's own grid (nearest
/// voxel) with the ids of its label table, and counts it there against the labels the subject came with. Throws
/// std::runtime_error naming the file.
analysis::Counts write_prediction(const std::filesystem::path& file, const data::Shard& shard,
                                  const std::vector<std::uint8_t>& classes);

}  // namespace crossfade::runner
