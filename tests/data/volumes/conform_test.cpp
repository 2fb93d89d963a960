#include "data/volumes/conform.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace crossfade::data {
namespace {

/// A canonical grid with spacing `mm` whose first voxel lies at `corner`.
Volume<std::int32_t> grid(std::array<int, 3> size, double mm, std::array<double, 3> corner) {
  Volume<std::int32_t> volume;
  volume.geometry.size = size;
  volume.geometry.affine = {{{mm, 0, 0, corner[0]}, {0, mm, 0, corner[1]}, {0, 0, mm, corner[2]}}};
  volume.voxels.assign(volume.geometry.voxels(), 0);
  return volume;
}

/// The id in the voxel whose centre is nearest to a point in space, for grids without rotation.
template <class T>
T at_point(const Volume<T>& volume, double x, double y, double z) {
  const auto& a = volume.geometry.affine;
  return volume.at(static_cast<int>(std::lround((x - a[0][3]) / a[0][0])),
                   static_cast<int>(std::lround((y - a[1][3]) / a[1][1])),
                   static_cast<int>(std::lround((z - a[2][3]) / a[2][2])));
}

TEST(Conform, KeepsEveryVoxelOfAMapOfOneMillimetreInItsPlace) {
  // Odd sizes: the centre of the map lies on a voxel, that of 256 voxels between two.
  Volume<std::int32_t> map = grid({31, 40, 51}, 1, {-12.25, 3, 100.5});
  for (std::size_t v = 0; v < map.voxels.size(); ++v) map.voxels[v] = static_cast<std::int32_t>(v + 1);
  const Conformed result = conform(map, conformed_grid(map.geometry));
  EXPECT_EQ(result.ids.geometry.size, (std::array<int, 3>{256, 256, 256}));
  EXPECT_TRUE(result.cut.empty());
  std::size_t kept = 0;
  for (const std::int32_t id : result.ids.voxels) kept += id != 0 ? 1 : 0;
  EXPECT_EQ(kept, map.voxels.size());
  for (int k = 0; k < 51; ++k)
    for (int j = 0; j < 40; ++j)
      for (int i = 0; i < 31; ++i) {
        const double x = i - 12.25, y = j + 3, z = k + 100.5;
        ASSERT_EQ(at_point(result.ids, x, y, z), map.at(i, j, k));
        const auto& a = result.ids.geometry.affine;  // and voxel centres fall on voxel centres
        ASSERT_NEAR(std::remainder(x - a[0][3], 1), 0, 1e-9);
      }
}

TEST(Conform, LeavesACubeOf256AsItIs) {
  Volume<std::int32_t> map = grid({256, 256, 256}, 1, {-128, -100, -90});
  map.at(0, 0, 0) = 2;
  map.at(255, 255, 255) = 41;
  const Conformed result = conform(map, conformed_grid(map.geometry));
  EXPECT_EQ(result.ids.voxels, map.voxels);
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(result.ids.geometry.affine[r][c], map.geometry.affine[r][c], 1e-9);
}

// Grids of parallel axes are gone through by tables, others voxel by voxel.
TEST(NearestOn, FindsTheSameVoxelsHoweverTheAxesAreNamed) {
  Volume<std::int32_t> map = grid({7, 9, 11}, 1.2, {3, -4, 5});
  for (std::size_t v = 0; v < map.voxels.size(); ++v) map.voxels[v] = static_cast<std::int32_t>(v + 1);
  // No voxel lies half-way between two, which would depend on the direction that an axis counts in.
  const Geometry target = grid({14, 10, 17}, 0.9, {1, -3, 4.55}).geometry;
  const Volume<std::int32_t> straight = nearest_on(map, target);
  EXPECT_GT(std::ranges::count_if(straight.voxels, [](std::int32_t id) { return id != 0; }), 500);
  EXPECT_GT(std::ranges::count(straight.voxels, 0), 500);
  for (const std::array<int, 3> source : {std::array{0, 1, 2}, std::array{2, 0, 1}, std::array{1, 0, 2}}) {
    const Reorientation turn{source, {true, false, true}};
    EXPECT_EQ(nearest_on(reorient(map, turn), target).voxels, straight.voxels);
    EXPECT_EQ(reorient(nearest_on(map, reorient(target, turn)), inverse(turn)).voxels, straight.voxels);
  }
  Volume<std::int32_t> askew = map;
  askew.geometry.affine[0][1] = 1e-9;  // no table, and no voxel that is another
  EXPECT_EQ(nearest_on(askew, target).voxels, straight.voxels);
}

TEST(Conform, GivesCoarserAndFinerMapsTheIdOfTheNearestVoxel) {
  for (const double mm : {0.7, 2.0}) {
    Volume<std::int32_t> map = grid({20, 20, 20}, mm, {5, -7, 11});
    // Ids 1 to 4 in bricks of 5 voxels along x: their borders lie at 5 + mm * (4.5, 9.5, 14.5).
    for (int k = 0; k < 20; ++k)
      for (int j = 0; j < 20; ++j)
        for (int i = 0; i < 20; ++i) map.at(i, j, k) = 1 + i / 5;
    const Conformed result = conform(map, conformed_grid(map.geometry));
    const auto& a = result.ids.geometry.affine;
    int inside = 0;
    for (int k = 0; k < 256; ++k)
      for (int j = 0; j < 256; ++j)
        for (int i = 0; i < 256; ++i) {
          const double x = (a[0][3] + i - 5) / mm, y = (a[1][3] + j + 7) / mm, z = (a[2][3] + k - 11) / mm;
          const auto in = [](double p) { return p > -0.499 && p < 19.499; };
          const auto out = [](double p) { return p < -0.501 || p > 19.501; };
          const std::int32_t id = result.ids.at(i, j, k);
          if (out(x) || out(y) || out(z)) {
            ASSERT_EQ(id, 0);
          } else if (in(x) && in(y) && in(z) && std::abs(std::remainder(x - 4.5, 5)) > 1e-3) {
            ASSERT_EQ(id, 1 + static_cast<int>((x + 0.5) / 5));
            ++inside;
          }
        }
    EXPECT_GT(inside, 1000);
  }
}

TEST(Conform, CountsWhatLiesOutsideItsFieldOfView) {
  // 300 voxels along z, of which the outer 44 do not fit; 22 at either end.
  Volume<std::int32_t> map = grid({4, 3, 300}, 1, {0, 0, 0});
  for (int k = 0; k < 300; ++k) map.at(1, 1, k) = k < 150 ? 7 : 8;
  const Conformed result = conform(map, conformed_grid(map.geometry));
  ASSERT_EQ(result.cut.size(), 2U);
  EXPECT_EQ(result.cut.at(7), 22U);
  EXPECT_EQ(result.cut.at(8), 22U);
}

// Voxel by voxel, against a look at the corners alone: turned, shifted to and over the edge, and sheared a little.
TEST(Conform, KnowsWhatLiesWithinAGrid) {
  const Geometry target = grid({20, 24, 16}, 1, {0, 0, 0}).geometry;
  int within = 0;
  for (const double turn : {0.0, 0.2, -0.5})
    for (const double shift : {0.0, 0.4, 0.6, 3.0, 9.0}) {
      Volume<std::int32_t> map = grid({12, 10, 9}, 1, {0, 0, 0});
      std::ranges::fill(map.voxels, 1);
      map.geometry.affine = {{{std::cos(turn), -std::sin(turn), 0, 4 - shift},
                              {std::sin(turn), std::cos(turn), 0, 6},
                              {0, 0.01, 1, 2 + shift}}};
      const bool expected = cut_by(target, map).empty();
      EXPECT_EQ(lies_within(map.geometry, target), expected) << turn << ", " << shift;
      within += expected ? 1 : 0;
    }
  EXPECT_GT(within, 0);
  EXPECT_LT(within, 15);
}

TEST(Conform, GoesBackToTheGridThatItCameFrom) {
  Volume<std::int32_t> map = grid({30, 31, 32}, 1, {-1, -2, -3});
  for (std::size_t v = 0; v < map.voxels.size(); ++v) map.voxels[v] = static_cast<std::int32_t>(v % 97);
  EXPECT_EQ(nearest_on(conform(map, conformed_grid(map.geometry)).ids, map.geometry).voxels, map.voxels);
}

TEST(Conform, RefusesASingularAffine) {
  Volume<std::int32_t> map = grid({4, 4, 4}, 1, {0, 0, 0});
  map.geometry.affine[1] = map.geometry.affine[0];
  EXPECT_THROW(conform(map, conformed_grid(map.geometry)), std::runtime_error);
}

}  // namespace
}  // namespace crossfade::data
