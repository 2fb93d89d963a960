#include "model/atlas/initial_shift.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace crossfade::model {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Volume = data::Volume<std::int32_t>;

/// A bright ellipsoid with a dark one off its centre, at (x, y, z) mm; where `neck`, a bright column below it.
Volume head(const data::Geometry& grid, double x, double y, double z, bool neck) {
  Volume image{grid, std::vector<std::int32_t>(grid.voxels())};
  for (int k = 0; k < grid.size[2]; ++k)
    for (int j = 0; j < grid.size[1]; ++j)
      for (int i = 0; i < grid.size[0]; ++i) {
        std::array<double, 3> p{};
        for (std::size_t r = 0; r < 3; ++r)
          p[r] = grid.affine[r][0] * i + grid.affine[r][1] * j + grid.affine[r][2] * k + grid.affine[r][3];
        const double u = p[0] - x, v = p[1] - y, w = p[2] - z;
        if (neck && w < 0 && u * u + v * v < 60 * 60) image.at(i, j, k) = 150;
        if (u * u / 4900 + v * v / 8100 + w * w / 6400 < 1) image.at(i, j, k) = 200;
        if (u * u / 400 + (v - 30) * (v - 30) / 900 + (w - 20) * (w - 20) / 400 < 1) image.at(i, j, k) = 60;
      }
  return image;
}

data::Geometry grid(double mm, std::array<double, 3> corner) {
  const int side = static_cast<int>(256 / mm);
  return {{side, side, side}, {{{mm, 0, 0, corner[0]}, {0, mm, 0, corner[1]}, {0, 0, mm, corner[2]}}}};
}

TEST(InitialShift, FindsHeadsThatLieApart) {
  const auto here = grid(4, {-126, -126, -126});
  const auto shift = initial_shift(head(here, 0, 0, 0, false), head(here, 16, -24, 40, false));
  EXPECT_THAT(shift, ElementsAre(DoubleNear(16, 1e-9), DoubleNear(-24, 1e-9), DoubleNear(40, 1e-9)));  // whole steps
}

TEST(InitialShift, IsNotMisledByANeck) {
  const auto here = grid(4, {-126, -126, -126});
  const auto shift = initial_shift(head(here, 0, 0, 40, true), head(here, 0, 0, 0, false));
  EXPECT_THAT(shift, ElementsAre(DoubleNear(0, 1e-9), DoubleNear(0, 1e-9), DoubleNear(-40, 8)));
}

TEST(InitialShift, CountsFromGridsOfOtherOriginsAndVoxels) {
  const auto shift = initial_shift(head(grid(4, {-126, -126, -126}), 0, 0, 0, false),
                                   head(grid(2, {873, -127, -327}), 1000, 24, -200, false));
  EXPECT_THAT(shift, ElementsAre(DoubleNear(1000, 4), DoubleNear(24, 4), DoubleNear(-200, 4)));  // half a step
}

TEST(InitialShift, RefusesAnEmptyImage) {
  const auto here = grid(4, {-126, -126, -126});
  EXPECT_THAT(
      [&] {
        initial_shift(head(here, 0, 0, 0, false), Volume{here, std::vector<std::int32_t>(here.voxels())});
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("nothing to register by")));
}

}  // namespace
}  // namespace crossfade::model
