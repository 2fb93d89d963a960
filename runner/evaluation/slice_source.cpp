#include "runner/evaluation/slice_source.hpp"

#include <algorithm>

namespace crossfade::runner {

std::vector<data::Standard> SliceSource::standards() const {
  if (shard_ != nullptr) return shard_->standards(0);
  if (!standards_.empty()) return standards_;
  std::vector<data::Standard> own;
  for (const data::ChannelIntensities& channel : info_->scans.front().channels)
    own.push_back({.mean = channel.mean, .sd = channel.sd});
  return own;
}

void SliceSource::read(int first, int count, std::span<float> values) const {
  if (shard_ != nullptr) return shard_->read_values(first, count, values);
  const std::size_t each = values.size() / static_cast<std::size_t>(count);
  const auto begin = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(first) * each),
             length = static_cast<std::ptrdiff_t>(values.size());
  if (contents_->values.empty())
    std::copy_n(contents_->images.begin() + begin, length, values.begin());
  else
    std::copy_n(contents_->values.begin() + begin, length, values.begin());
}

}  // namespace crossfade::runner
