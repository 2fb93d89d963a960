#include "data/shards/class_weights.hpp"

#include <algorithm>
#include <vector>

namespace crossfade::data {

std::vector<double> median_frequency_weights(std::span<const ClassCounts> scans, int classes, double cap) {
  std::vector<double> frequency(static_cast<std::size_t>(classes)), weights(frequency);
  std::vector<double> present;
  for (std::size_t c = 0; c < weights.size(); ++c) {
    std::uint64_t pixels = 0, judged = 0;
    for (const ClassCounts& scan : scans) {
      pixels += scan.pixels[c];
      judged += scan.slice_pixels[c];
    }
    if (pixels == 0) continue;
    frequency[c] = static_cast<double>(pixels) / static_cast<double>(judged);
    present.push_back(frequency[c]);
  }
  if (present.empty()) return weights;
  std::sort(present.begin(), present.end());
  const double median = (present[(present.size() - 1) / 2] + present[present.size() / 2]) / 2;
  for (std::size_t c = 0; c < weights.size(); ++c) {
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

std::vector<double> median_frequency_weights(std::span<const Shard> shards, double cap, LabelKind kind,
                                             ScanRange range) {
  return median_frequency_weights(counts_of_scans(shards, kind, range), shards.front().info().classes.count(), cap);
}

}  // namespace crossfade::data
