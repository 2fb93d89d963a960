#include "data/volumes/volume.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <stdexcept>

#include "data/volumes/affine.hpp"

namespace crossfade::data {
namespace {

Volume<std::int32_t> counted(std::array<int, 3> size) {
  Volume<std::int32_t> volume{{size, {{{2, 0, 0, -7}, {0, 3, 0, 5}, {0, 0, 0.5, 11}}}}, {}};
  volume.voxels.resize(volume.geometry.voxels());
  std::iota(volume.voxels.begin(), volume.voxels.end(), 0);
  return volume;
}

TEST(Volume, SpacingIsTheLengthOfTheAffinesColumns) {
  Geometry oblique;
  oblique.affine = {{{0, 1.2, 0, 0}, {3, 0, 0, 0}, {4, 0, -2, 0}}};
  const std::array<double, 3> spacing = oblique.spacing();
  EXPECT_DOUBLE_EQ(spacing[0], 5);
  EXPECT_DOUBLE_EQ(spacing[1], 1.2);
  EXPECT_DOUBLE_EQ(spacing[2], 2);
}

TEST(Volume, ReorientedVoxelsKeepTheirPlaceInSpace) {
  const Volume<std::int32_t> volume = counted({2, 3, 4});
  const Volume<std::int32_t> turned = reorient(volume, {{2, 0, 1}, {true, false, true}});
  ASSERT_EQ(turned.geometry.size, (std::array<int, 3>{4, 2, 3}));
  for (int k = 0; k < 3; ++k) {
    for (int j = 0; j < 2; ++j) {
      for (int i = 0; i < 4; ++i) {
        // Axis 0 is the source's axis 2 reversed, and so on.
        EXPECT_EQ(turned.at(i, j, k), volume.at(j, 2 - k, 3 - i));
        const auto& a = turned.geometry.affine;
        EXPECT_DOUBLE_EQ(a[0][0] * i + a[0][1] * j + a[0][2] * k + a[0][3], 2.0 * j - 7);
        EXPECT_DOUBLE_EQ(a[1][0] * i + a[1][1] * j + a[1][2] * k + a[1][3], 3.0 * (2 - k) + 5);
        EXPECT_DOUBLE_EQ(a[2][0] * i + a[2][1] * j + a[2][2] * k + a[2][3], 0.5 * (3 - i) + 11);
      }
    }
  }
}

TEST(Volume, TheInverseUndoesAnyReorientation) {
  const Volume<std::int32_t> volume = counted({2, 3, 4});
  for (const std::array<int, 3> source : {std::array{0, 1, 2}, std::array{0, 2, 1}, std::array{1, 0, 2},
                                          std::array{1, 2, 0}, std::array{2, 0, 1}, std::array{2, 1, 0}}) {
    for (int flips = 0; flips < 8; ++flips) {
      const Reorientation turn{source, {(flips & 1) != 0, (flips & 2) != 0, (flips & 4) != 0}};
      const Volume<std::int32_t> back = reorient(reorient(volume, turn), inverse(turn));
      EXPECT_EQ(back.voxels, volume.voxels);
      EXPECT_EQ(back.geometry, volume.geometry);
      // What was turned away from canonical axes is found again.
      const Reorientation found = to_canonical(reorient(volume.geometry, turn));
      EXPECT_EQ(found.source, inverse(turn).source);
      EXPECT_EQ(found.flip, inverse(turn).flip);
    }
  }
}

TEST(Volume, AnObliqueAxisGoesToItsLargerDirectionCosine) {
  const double c = std::cos(0.6), s = std::sin(0.6);  // 34 degrees about the superior axis: still closest to x
  const Reorientation turn = to_canonical({{4, 4, 4}, {{{c, -s, 0, 0}, {s, c, 0, 0}, {0, 0, -5, 0}}}});
  EXPECT_EQ(turn.source, (std::array<int, 3>{0, 1, 2}));
  EXPECT_EQ(turn.flip, (std::array<bool, 3>{false, false, true}));
}

TEST(Volume, ASingularAffineIsRefused) {
  EXPECT_THROW(to_canonical({{4, 4, 4}, {{{1, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}}}}), std::runtime_error);
  EXPECT_THROW(to_canonical({{4, 4, 4}, {{{1, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 1, 0}}}}), std::runtime_error);
}

TEST(IndexMap, IsOfVoxelsOfAnySize) {
  // In sides of a voxel of `to`: two a step, from three on.
  for (const double side : {1.0, 1e-4, 1e-6, 1e4}) {
    const Affine from{{{2 * side, 0, 0, 3 * side}, {0, 2 * side, 0, 3 * side}, {0, 0, 2 * side, 3 * side}}};
    const Affine to{{{side, 0, 0, 0}, {0, side, 0, 0}, {0, 0, side, 0}}};
    const Affine map = index_map(from, to);
    for (std::size_t row = 0; row < 3; ++row)
      for (std::size_t column = 0; column < 4; ++column)
        EXPECT_NEAR(map[row][column], column == 3 ? 3 : row == column ? 2 : 0, 1e-12) << side;
  }
}

TEST(IndexMap, RefusesAxesThatDoNotSpanSpaceAtAnySize) {
  const Affine from{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};
  for (const double side : {1.0, 1e-4, 1e4}) {
    const Affine plane{{{side, side, 0, 0}, {side, side, 0, 0}, {0, 0, side, 0}}};
    // The second axis is the first but for rounding: at 1e4 mm the determinant is 1e-3 cubic mm, of 1e12.
    const Affine nearly{{{side, side * (1 + 1e-15), 0, 0}, {side, side, 0, 0}, {0, 0, side, 0}}};
    const Affine line{{{side, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, side, 0}}};
    for (const Affine& to : {plane, nearly, line}) EXPECT_THROW(index_map(from, to), std::runtime_error) << side;
  }
}

TEST(Volume, ACubeHasTheSameCentreAndSpansTheFieldOfView) {
  const Geometry around{{256, 200, 100}, {{{1, 0, 0, -100}, {0, 1, 0, -90}, {0, 0, 2, -80}}}};
  const Geometry cube = cube_around(around, 128, 256);
  EXPECT_EQ(cube.size, (std::array<int, 3>{128, 128, 128}));
  const std::array<double, 3> centre{-100 + 127.5, -90 + 99.5, -80 + 2 * 49.5};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    EXPECT_DOUBLE_EQ(cube.spacing()[axis], 2);
    EXPECT_DOUBLE_EQ(cube.affine[axis][3] + 2 * 63.5, centre[axis]);
  }
}

}  // namespace
}  // namespace crossfade::data
