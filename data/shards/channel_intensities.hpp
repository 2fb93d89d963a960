// What is known of the intensities of one channel of a scan.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

namespace crossfade::data {

/// In stored units.
struct ChannelIntensities {
  double mean = 0, sd = 1;        // that the loader standardises by: see intensity.hpp for what they are of
  double low = 0, high = 255;     // what stands for nothing (outside the image), and the largest value
  std::vector<float> labelled{};  // intensity ct: of labelled voxels, at most kLabelledSample, evenly spaced
};

inline constexpr std::size_t kLabelledSample = 10000;

/// How a net sees a channel: values are clamped to [low, high], less mean, divided by sd.
struct Standard {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  double mean = 0, sd = 1;
  bool operator==(const Standard&) const = default;
};

}  // namespace crossfade::data
