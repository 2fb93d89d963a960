// Separable linear filters on volumes: an operator is a small sparse matrix per axis. Used by resampling and synthesis.
#pragma once

#include <array>
#include <vector>

namespace crossfade::data {

/// One output element along an axis: sum over n of weights[n] * input[first + n].
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

/// The matrix of one axis: one row per output element. Inputs beyond the grid count as 0.
using AxisTaps = std::vector<Taps>;

/// A Gaussian of standard deviation `sd` elements, cut off at 4 sd and normalised; sd 0 is the identity.
AxisTaps gaussian_taps(int size, double sd);

/// Linear interpolation at input positions scale * t + offset, t = 0 ... target - 1, after `filter` (from
/// gaussian_taps).
AxisTaps interpolation_taps(const AxisTaps& filter, int target, double scale, double offset);

/// A grid of floats, i fastest.
struct Block {
  std::array<int, 3> size{};
  std::vector<float> values;
};

/// Applies the operators along i, then j, then k. T: float or std::uint8_t.
template <class T>
Block apply(const std::array<int, 3>& size, const std::vector<T>& values, const std::array<AxisTaps, 3>& taps);
inline Block apply(const Block& block, const std::array<AxisTaps, 3>& taps) {
  return apply(block.size, block.values, taps);
}

}  // namespace crossfade::data
