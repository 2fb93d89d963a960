#include "data/volumes/separable.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace crossfade::data {
namespace {

std::size_t at(int n) {
  return static_cast<std::size_t>(n);
}

/// Elements that are added up side by side, in registers, each in the order of its taps.
constexpr std::size_t kLanes = 16;
using Lanes [[gnu::vector_size(kLanes * sizeof(float))]] = float;

/// Of runs of elements `step` apart: the sum of weights[n] * from[n * step], lane by lane.
void add_up(const std::vector<float>& weights, const float* from, std::size_t step, float* to) {
  Lanes sums{};
  for (const float weight : weights) {
    Lanes values;
    std::memcpy(&values, from, sizeof values);
    sums += weight * values;
    from += step;
  }
  std::memcpy(to, &sums, sizeof sums);
}

/// Along rows of `width`, from `in` to `out`. Rows are taken together, turned so that elements of one place in them lie
/// side by side.
template <class T>
void apply_rows(const T* in, std::size_t rows, std::size_t width, const AxisTaps& taps, float* out) {
  const std::size_t target = taps.size();
  std::vector<float> turned(width * kLanes), sums(target * kLanes);  // what lies beyond the last row is not read
  for (std::size_t row = 0; row < rows; row += kLanes) {
    const std::size_t count = std::min(kLanes, rows - row);
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t n = 0; n < width; ++n) turned[n * kLanes + r] = in[(row + r) * width + n];
    for (std::size_t t = 0; t < target; ++t)
      add_up(taps[t].weights, turned.data() + at(taps[t].first) * kLanes, kLanes, sums.data() + t * kLanes);
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t t = 0; t < target; ++t) out[(row + r) * target + t] = sums[t * kLanes + r];
  }
}

/// Along the first axis of [in, inner], from `in` to `out`.
void apply_runs(const float* in, std::size_t inner, const AxisTaps& taps, float* out) {
  for (const Taps& tap : taps) {
    const float* from = in + at(tap.first) * inner;
    std::size_t n = 0;
    for (; n + kLanes <= inner; n += kLanes) add_up(tap.weights, from + n, inner, out + n);
    for (; n < inner; ++n) {
      out[n] = 0;
      for (std::size_t w = 0; w < tap.weights.size(); ++w) out[n] += tap.weights[w] * from[w * inner + n];
    }
    out += inner;
  }
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

template <class T>
Block apply(const std::array<int, 3>& size, const std::vector<T>& values, const std::array<AxisTaps, 3>& taps) {
  const std::size_t width = at(size[0]), height = at(size[1]), depth = at(size[2]);
  const std::size_t row = taps[0].size(), slice = row * taps[1].size();
  std::vector<float> rows(row * height), slices(slice * depth);  // a slice at a time: it stays in the cache
  for (std::size_t k = 0; k < depth; ++k) {
    apply_rows(values.data() + k * width * height, height, width, taps[0], rows.data());
    apply_runs(rows.data(), row, taps[1], slices.data() + k * slice);
  }
  Block out{{static_cast<int>(row), static_cast<int>(taps[1].size()), static_cast<int>(taps[2].size())}, {}};
  out.values.resize(slice * taps[2].size());
  apply_runs(slices.data(), slice, taps[2], out.values.data());
  return out;
}

template Block apply(const std::array<int, 3>&, const std::vector<float>&, const std::array<AxisTaps, 3>&);
template Block apply(const std::array<int, 3>&, const std::vector<std::uint8_t>&, const std::array<AxisTaps, 3>&);

}  // namespace crossfade::data
