#include "data/shards/class_weights.hpp"

#include <algorithm>
#include <vector>

namespace crossfade::data {

std::array<double, kClasses> median_frequency_weights(std::span<const ClassCounts> scans,
                                                      std::uint64_t pixels_per_slice, double cap) {
  std::array<double, kClasses> frequency{}, weights{};
  std::vector<double> present;
  for (std::size_t c = 0; c < kClasses; ++c) {
    std::uint64_t pixels = 0, slices = 0;
    for (const ClassCounts& scan : scans) {
      pixels += scan.pixels[c];
      slices += scan.slices[c];
    }
    if (pixels == 0) continue;
    frequency[c] = static_cast<double>(pixels) / (static_cast<double>(slices) * static_cast<double>(pixels_per_slice));
    present.push_back(frequency[c]);
  }
  if (present.empty()) return weights;
  std::sort(present.begin(), present.end());
  const double median = (present[(present.size() - 1) / 2] + present[present.size() / 2]) / 2;
  for (std::size_t c = 0; c < kClasses; ++c) {
    if (frequency[c] == 0) continue;
    weights[c] = median / frequency[c];
    if (cap > 0) weights[c] = std::min(weights[c], cap);
  }
  return weights;
}

std::vector<ClassCounts> counts_of_scans(std::span<const Shard> shards, LabelKind kind, ScanRange range) {
  std::vector<ClassCounts> counts;
  for (const Shard& shard : shards) {
    const std::vector<ScanInfo>& scans = shard.info().scans;
    for (std::size_t s = 0; s < scans.size(); ++s) {
      if (range.contains(static_cast<int>(s))) counts.push_back(scans[s].counts(kind));
    }
  }
  return counts;
}

std::array<double, kClasses> median_frequency_weights(std::span<const Shard> shards, double cap, LabelKind kind,
                                                      ScanRange range) {
  const ShardInfo& info = shards.front().info();
  const auto pixels = static_cast<std::uint64_t>(info.width()) * static_cast<std::uint64_t>(info.height());
  return median_frequency_weights(counts_of_scans(shards, kind, range), pixels, cap);
}

}  // namespace crossfade::data
