// A shard small enough for tests: 2 scans of 4 slices of 8 x 6 pixels.
#pragma once

#include <string>

#include "data/shards/shard.hpp"

namespace crossfade::data {

/// Pixels without a pattern, different for every `tag`; the last slice of each scan has no label. The original labels
/// are a grid of 3 x 4 x 5 voxels.
inline ShardContents small_shard(const std::string& subject, unsigned tag = 1, int slices = 4) {
  ShardContents contents;
  contents.info.subject = subject;
  contents.info.source = "a test";
  contents.info.label_table = "freesurfer";
  contents.info.label_table_hash = "0123456789abcdef";
  contents.info.grid.size = {6, 8, slices};
  contents.info.grid.affine = {{{2, 0, 0, -6}, {0, 2, 0, -8}, {0, 0, 2, -4}}};
  contents.info.scans.resize(2);
  unsigned state = tag * 2654435761U;
  for (int n = 0; n < 2 * slices; ++n)
    for (int p = 0; p < 48; ++p) {
      state = state * 1664525U + 1013904223U;
      contents.images.push_back(static_cast<std::uint8_t>(state >> 24));
      const bool labelled = n % slices != slices - 1;
      contents.labels.push_back(labelled ? static_cast<std::uint8_t>((state >> 16) % 28) : std::uint8_t{0});
    }
  contents.original_labels.geometry.size = {3, 4, 5};
  contents.original_labels.geometry.affine = {{{-1, 0, 0, 2}, {0, 0, 1.5, 3}, {0, -1, 0, 4}}};
  for (int i = 0; i < 60; ++i) contents.original_labels.voxels.push_back(i * 1000 - 7);
  return contents;
}

}  // namespace crossfade::data
