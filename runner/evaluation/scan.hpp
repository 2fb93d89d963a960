// One scan of a shard, whole.
#pragma once

#include <cstdint>
#include <vector>

#include "data/shards/shard.hpp"

namespace crossfade::runner {

/// Intensities of scan `scan` as bytes, [slices, H, W]: as stored, or those of the first channel from its least value
/// to its largest as 0 to 255. Throws as data::Shard::read does.
std::vector<std::uint8_t> read_image(const data::Shard& shard, int scan);

/// The same of its class ids.
std::vector<std::uint8_t> read_labels(const data::Shard& shard, int scan, data::LabelKind kind);

}  // namespace crossfade::runner
