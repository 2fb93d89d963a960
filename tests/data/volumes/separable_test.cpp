#include "data/volumes/separable.hpp"

#include <gtest/gtest.h>

#include "data/random.hpp"

namespace crossfade::data {
namespace {

std::size_t at(int n) {
  return static_cast<std::size_t>(n);
}

/// Along one axis, an element at a time, each sum in the order of its taps.
Block plain(const Block& in, const AxisTaps& taps, std::size_t axis) {
  Block out{in.size, {}};
  out.size[axis] = static_cast<int>(taps.size());
  for (int k = 0; k < out.size[2]; ++k)
    for (int j = 0; j < out.size[1]; ++j)
      for (int i = 0; i < out.size[0]; ++i) {
        std::array<int, 3> place{i, j, k};
        const Taps& tap = taps[at(place[axis])];
        float sum = 0;
        for (std::size_t n = 0; n < tap.weights.size(); ++n) {
          place[axis] = tap.first + static_cast<int>(n);
          sum += tap.weights[n] * in.values[at(place[0] + in.size[0] * (place[1] + in.size[1] * place[2]))];
        }
        out.values.push_back(sum);
      }
  return out;
}

// To the bit: shards are made with it, and are the same everywhere.
TEST(Separable, AddsUpEachElementInTheOrderOfItsTaps) {
  Random random(4, Purpose::kSynthesis);
  for (const std::array<int, 3> size : {std::array{37, 7, 5}, std::array{3, 16, 1}, std::array{33, 5, 33}}) {
    Block block{size, {}};
    for (int n = 0; n < size[0] * size[1] * size[2]; ++n) block.values.push_back(static_cast<float>(random.normal()));
    const std::array<AxisTaps, 3> taps{gaussian_taps(size[0], 0.6),
                                       interpolation_taps(gaussian_taps(size[1], 1.1), 6, 1.3, -2.2),
                                       interpolation_taps(gaussian_taps(size[2], 0), 9, 0.4, 0.1)};
    Block expected = block;
    for (const std::size_t axis : {0, 1, 2}) expected = plain(expected, taps[axis], axis);
    const Block result = data::apply(block, taps);
    EXPECT_EQ(result.size, expected.size);
    EXPECT_EQ(result.values, expected.values);
  }
}

}  // namespace
}  // namespace crossfade::data
