#include "data/shards/intensity.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "data/volumes/background.hpp"

namespace crossfade::data {
namespace {

struct Moments {
  double mean = 0, sd = 1;
};

/// In two passes: values of CT lie far from 0.
template <class Counts>
Moments moments_of(std::span<const float> values, const Counts& counts) {
  std::size_t count = 0;
  double sum = 0, squares = 0;
  for (const float value : values)
    if (counts(value)) ++count, sum += static_cast<double>(value);
  if (count == 0) return {};
  Moments moments{sum / static_cast<double>(count), 1};
  for (const float value : values)
    if (counts(value)) squares += std::pow(static_cast<double>(value) - moments.mean, 2);
  if (const double sd = std::sqrt(squares / static_cast<double>(count)); sd > 0) moments.sd = sd;
  return moments;
}

double percentile(const std::vector<float>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return std::lerp(static_cast<double>(sorted[low]), static_cast<double>(sorted[high]), at - static_cast<double>(low));
}

}  // namespace

ChannelIntensities measured_intensities(const std::string& rule, const Volume<float>& image) {
  const auto [least, most] = std::ranges::minmax(image.voxels);
  ChannelIntensities result{.mean = 0, .sd = 1, .low = static_cast<double>(least), .high = static_cast<double>(most)};
  if (!rule.starts_with("zscore")) return result;
  Moments moments;
  if (rule == "zscore_foreground") {
    const float background = background_of(image).value_or(least);
    // Above it, or beside it where it is the brightest, as paper is.
    const bool darkest = std::ranges::any_of(image.voxels, [background](float value) { return value > background; });
    moments = moments_of(image.voxels, [background, darkest](float value) {
      return darkest ? value > background : value != background;
    });
  } else {
    moments = moments_of(image.voxels, [](float) { return true; });
  }
  result.mean = moments.mean;
  result.sd = moments.sd;
  return result;
}

ChannelIntensities t1_intensities(std::span<const float> values) {
  const Moments moments = moments_of(values, [](float value) { return value > 0; });
  return {.mean = moments.mean, .sd = moments.sd};
}

std::vector<float> labelled_sample(std::span<const float> values, std::span<const std::uint8_t> labels) {
  std::vector<float> all;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (labels[i] != 0 && labels[i] != kIgnored) all.push_back(values[i]);
  if (all.size() <= kLabelledSample) return all;
  std::vector<float> some;
  for (std::size_t i = 0; i < kLabelledSample; ++i) some.push_back(all[i * all.size() / kLabelledSample]);
  return some;
}

std::vector<Standard> standards_over(std::span<const Shard> shards) {
  if (shards.empty() || shards.front().info().intensity != "ct") return {};
  std::vector<Standard> standards;
  for (std::size_t c = 0; c < shards.front().info().channels.size(); ++c) {
    std::vector<float> values;
    for (const Shard& shard : shards)
      for (const ScanInfo& scan : shard.info().scans)
        values.insert(values.end(), scan.channels[c].labelled.begin(), scan.channels[c].labelled.end());
    if (values.empty())
      throw std::runtime_error(shards.front().file().parent_path().string() +
                               ": intensity ct needs labelled voxels of the training subjects, and there is none");
    std::ranges::sort(values);
    const Moments moments = moments_of(values, [](float) { return true; });
    standards.push_back({percentile(values, 0.005), percentile(values, 0.995), moments.mean, moments.sd});
  }
  return standards;
}

void standardise(std::span<float> values, const std::vector<Standard>& standards) {
  const std::size_t each = values.size() / standards.size();
  for (std::size_t c = 0; c < standards.size(); ++c) {
    const Standard& s = standards[c];
    for (float& value : values.subspan(c * each, each))
      value = static_cast<float>((std::clamp(static_cast<double>(value), s.low, s.high) - s.mean) / s.sd);
  }
}

}  // namespace crossfade::data
