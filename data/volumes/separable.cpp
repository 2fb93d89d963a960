#include "data/volumes/separable.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace crossfade::data {
namespace {

std::size_t at(int n) {
  return static_cast<std::size_t>(n);
}

Block apply_rows(const Block& in, const AxisTaps& taps) {
  Block out{{static_cast<int>(taps.size()), in.size[1], in.size[2]}, {}};
  const std::size_t rows = at(in.size[1]) * at(in.size[2]), width = at(in.size[0]);
  out.values.resize(taps.size() * rows);
  float* to = out.values.data();
  for (std::size_t row = 0; row < rows; ++row) {
    const float* from = in.values.data() + row * width;
    for (const Taps& tap : taps) {
      float sum = 0;
      for (std::size_t n = 0; n < tap.weights.size(); ++n) {
        sum += tap.weights[n] * from[at(tap.first) + n];
      }
      *to++ = sum;
    }
  }
  return out;
}

/// Along the middle axis of [outer, in, inner]: whole runs of `inner` elements are added up, which vectorises.
std::vector<float> apply_runs(const std::vector<float>& in, std::size_t outer, std::size_t size, std::size_t inner,
                              const AxisTaps& taps) {
  std::vector<float> out(outer * taps.size() * inner);
  float* to = out.data();
  for (std::size_t block = 0; block < outer; ++block) {
    for (const Taps& tap : taps) {
      const float* from = in.data() + (block * size + at(tap.first)) * inner;
      for (const float weight : tap.weights) {
        for (std::size_t n = 0; n < inner; ++n) {
          to[n] += weight * from[n];
        }
        from += inner;
      }
      to += inner;
    }
  }
  return out;
}

}  // namespace

AxisTaps gaussian_taps(int size, double sd) {
  const int radius = static_cast<int>(4 * sd + 0.5);
  std::vector<double> kernel(at(2 * radius + 1), 1.0);
  double sum = 0;
  for (int n = -radius; n <= radius; ++n) {
    double& weight = kernel[at(n + radius)];
    weight = radius == 0 ? 1 : std::exp(-0.5 * n * n / (sd * sd));
    sum += weight;
  }
  AxisTaps taps(at(size));
  for (int t = 0; t < size; ++t) {
    Taps& tap = taps[at(t)];
    tap.first = std::max(0, t - radius);
    for (int source = tap.first; source <= std::min(size - 1, t + radius); ++source) {
      tap.weights.push_back(static_cast<float>(kernel[at(source - t + radius)] / sum));
    }
  }
  return taps;
}

AxisTaps interpolation_taps(const AxisTaps& filter, int target, double scale, double offset) {
  const int size = static_cast<int>(filter.size());
  AxisTaps taps(at(target));
  for (int t = 0; t < target; ++t) {
    double position = scale * t + offset;
    if (std::abs(position - std::round(position)) < 1e-6) {  // grids that meet up to rounding are copied exactly
      position = std::round(position);
    }
    const double base = std::floor(position);
    if (base < -1 || base >= size) {
      continue;
    }
    Taps& tap = taps[at(t)];
    const auto low = static_cast<int>(base);
    const double high_part = position - base;
    for (const auto& [source, part] : {std::pair{low, 1 - high_part}, std::pair{low + 1, high_part}}) {
      if (source < 0 || source >= size || part == 0) {
        continue;
      }
      const Taps& smooth = filter[at(source)];
      if (tap.weights.empty()) {
        tap.first = smooth.first;
      }
      const std::size_t shift = at(smooth.first - tap.first);  // rows of a filter begin in rising order
      tap.weights.resize(std::max(tap.weights.size(), shift + smooth.weights.size()));
      for (std::size_t n = 0; n < smooth.weights.size(); ++n) {
        tap.weights[shift + n] += static_cast<float>(part) * smooth.weights[n];
      }
    }
  }
  return taps;
}

Block apply(Block block, const std::array<AxisTaps, 3>& taps) {
  block = apply_rows(block, taps[0]);
  const std::size_t width = at(block.size[0]);
  block.values = apply_runs(block.values, at(block.size[2]), at(block.size[1]), width, taps[1]);
  block.size[1] = static_cast<int>(taps[1].size());
  block.values = apply_runs(block.values, 1, at(block.size[2]), width * at(block.size[1]), taps[2]);
  block.size[2] = static_cast<int>(taps[2].size());
  return block;
}

}  // namespace crossfade::data
