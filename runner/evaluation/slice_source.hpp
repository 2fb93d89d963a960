// Slices that a net is to label: of a shard on disk, or of a scan that was just made ready.
#pragma once

#include <span>
#include <vector>

#include "data/shards/shard.hpp"

namespace crossfade::runner {

/// Scan 0 of what it was made from, which must outlive it.
class SliceSource {
 public:
  SliceSource(const data::Shard& shard) : shard_(&shard), info_(&shard.info()) {}  // a shard is one
  /// `standards`: by channel, empty for those of the scan itself.
  SliceSource(const data::ShardContents& contents, std::vector<data::Standard> standards)
      : contents_(&contents), info_(&contents.info), standards_(std::move(standards)) {}

  const data::ShardInfo& info() const { return *info_; }
  std::vector<data::Standard> standards() const;
  /// Intensities of slices [first, first + count), [count, C, H, W]. Throws as data::Shard::read_values().
  void read(int first, int count, std::span<float> values) const;

 private:
  const data::Shard* shard_ = nullptr;
  const data::ShardContents* contents_ = nullptr;
  const data::ShardInfo* info_;
  std::vector<data::Standard> standards_;
};

}  // namespace crossfade::runner
