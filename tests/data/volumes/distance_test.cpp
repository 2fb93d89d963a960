#include "data/volumes/distance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "data/random.hpp"

namespace crossfade::data {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Each voxel of the box is in the mask with probability `density`.
Mask random_mask(std::array<int, 3> size, std::array<double, 3> spacing, double density, Random& random) {
  Mask mask{size, spacing, {}};
  for (int n = 0; n < size[0] * size[1] * size[2]; ++n) mask.voxels.push_back(random.uniform() < density ? 1 : 0);
  return mask;
}

double squared_distance(const Mask& mask, std::size_t a, std::size_t b) {
  const auto width = static_cast<std::size_t>(mask.size[0]), height = static_cast<std::size_t>(mask.size[1]);
  const auto along = [](std::size_t from, std::size_t to, double step) {
    return std::pow(step * (static_cast<double>(to) - static_cast<double>(from)), 2);
  };
  return along(a % width, b % width, mask.spacing[0]) + along(a / width % height, b / width % height, mask.spacing[1]) +
         along(a / width / height, b / width / height, mask.spacing[2]);
}

TEST(NearestVoxels, AreThoseOfASearchThroughTheWholeMask) {
  Random random(1, Purpose::kSubject);
  const std::array<std::array<int, 3>, 4> sizes{{{9, 7, 8}, {1, 12, 5}, {16, 1, 1}, {5, 6, 11}}};
  // The first two have exact squares, so that ties are ties: there the index must be the lowest, too.
  const std::array<std::array<double, 3>, 4> spacings{{{1, 1, 1}, {0.5, 1, 3}, {0.9375, 1.2, 0.7}, {2.2, 0.3, 1}}};
  for (std::size_t s = 0; s < spacings.size(); ++s) {
    for (const auto& size : sizes) {
      for (const double density : {0.01, 0.1, 0.6}) {
        Mask mask = random_mask(size, spacings[s], density, random);
        mask.voxels[random.below(mask.voxels.size())] = 255;
        const NearestVoxels nearest = nearest_voxels(mask);
        for (std::size_t n = 0; n < mask.voxels.size(); ++n) {
          double best = kInfinity;
          std::size_t first = 0;
          for (std::size_t m = 0; m < mask.voxels.size(); ++m) {
            if (mask.voxels[m] == 0 || squared_distance(mask, n, m) >= best) continue;
            best = squared_distance(mask, n, m);
            first = m;
          }
          // Rounding to float, once an axis.
          ASSERT_NEAR(nearest.squared_mm[n], best, 3 * 0x1p-24 * best);
          const auto index = static_cast<std::size_t>(nearest.index[n]);
          ASSERT_NE(mask.voxels.at(index), 0);
          ASSERT_NEAR(squared_distance(mask, n, index), best, 1e-6 * best);
          if (s < 2) {
            ASSERT_EQ(index, first);
          }
        }
      }
    }
  }
}

TEST(NearestVoxels, OfAnEmptyMaskAreInfinitelyFar) {
  const NearestVoxels nearest = nearest_voxels({{3, 4, 5}, {1, 2, 3}, std::vector<std::uint8_t>(60, 0)});
  EXPECT_EQ(nearest.squared_mm, std::vector<float>(60, kInfinity));
  EXPECT_EQ(nearest.index, std::vector<std::int32_t>(60, -1));
}

TEST(NearestVoxels, OfAVoxelInACornerAreExactOverAWholeHead) {
  // The far corner of 256 voxels: 3 * 255^2 mm^2, exact in a float.
  Mask mask{{256, 256, 2}, {1, 1, 255}, std::vector<std::uint8_t>(131072, 0)};
  mask.voxels[0] = 1;
  EXPECT_EQ(nearest_voxels(mask).squared_mm.back(), 3.0F * 255 * 255);
}

TEST(NearestVoxels, RefuseAMaskThatDoesNotFillItsBox) {
  EXPECT_THROW(nearest_voxels({{2, 2, 2}, {1, 1, 1}, std::vector<std::uint8_t>(7, 1)}), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::data
