#include "data/shards/turned_shard.hpp"
#include "data/labels/structures.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <set>

#include "data/shards/plane.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

/// The axial voxel at the place in space of voxel (i, j, k) of `grid`. small_shard() has voxels of 2 mm whose first
/// lies at (-6, -8, -4).
std::size_t axial_index(const Geometry& grid, int i, int j, int k) {
  std::array<std::size_t, 3> at{};
  const std::array<double, 3> origin = {-6, -8, -4};
  for (std::size_t a = 0; a < 3; ++a) {
    const auto& row = grid.affine[a];
    at[a] = static_cast<std::size_t>(std::lround((row[0] * i + row[1] * j + row[2] * k + row[3] - origin[a]) / 2));
  }
  return at[0] + 6 * (at[1] + 8 * at[2]);
}

/// Calls `check(voxel of the turned contents, voxel of the axial ones)` for every voxel of both scans.
template <class Check>
void for_each_voxel(const ShardContents& turned, Check check) {
  const Geometry& grid = turned.info.grid;
  std::set<std::size_t> seen;
  std::size_t at = 0;
  for (std::size_t scan = 0; scan < 2; ++scan)
    for (int k = 0; k < grid.size[2]; ++k)
      for (int j = 0; j < grid.size[1]; ++j)
        for (int i = 0; i < grid.size[0]; ++i) {
          const std::size_t axial = scan * grid.voxels() + axial_index(grid, i, j, k);
          seen.insert(axial);
          check(at++, axial);
        }
  EXPECT_EQ(seen.size(), 2 * grid.voxels()) << "every axial voxel once";
}

TEST(TurnedShard, CoronalSlicesKeepEveryVoxelInItsPlace) {
  ShardContents axial = small_shard("s");
  axial.info.has_automatic = true;
  axial.automatic = axial.images;
  for (std::uint8_t& label : axial.automatic) label = static_cast<std::uint8_t>(label % kClasses);
  const ShardContents turned_ = turned(axial, "coronal");
  EXPECT_EQ(turned_.info.plane, "coronal");
  EXPECT_EQ(turned_.info.grid.size, (std::array{6, 4, 8}));  // right, superior, slices from posterior to anterior
  for_each_voxel(turned_, [&](std::size_t here, std::size_t there) {
    ASSERT_EQ(turned_.images[here], axial.images[there]);
    ASSERT_EQ(turned_.labels[here], axial.labels[there]);
    ASSERT_EQ(turned_.automatic[here], axial.automatic[there]);
  });
  EXPECT_EQ(turned_.original_labels.voxels, axial.original_labels.voxels) << "on their own grid, as they came";
}

TEST(TurnedShard, SagittalSlicesShowRightStructuresAsLeftOnes) {
  const std::map<int, int> left_of = {{3, 1},  {4, 2},   {18, 5},  {19, 6},  {20, 7},  {21, 8},
                                      {22, 9}, {23, 10}, {24, 11}, {25, 15}, {26, 16}, {27, 17}};
  const ShardContents axial = small_shard("s");
  const ShardContents turned_ = turned(axial, "sagittal");
  EXPECT_EQ(turned_.info.grid.size, (std::array{8, 4, 6}));  // anterior, superior, slices from left to right
  for_each_voxel(turned_, [&](std::size_t here, std::size_t there) {
    ASSERT_EQ(turned_.images[here], axial.images[there]);
    const int label = axial.labels[there];
    ASSERT_EQ(turned_.labels[here], left_of.contains(label) ? left_of.at(label) : label);
  });
}

TEST(TurnedShard, AxialContentsStayAsTheyAre) {
  const ShardContents axial = small_shard("s");
  const ShardContents same = turned(axial, "axial");
  EXPECT_EQ(same.images, axial.images);
  EXPECT_EQ(same.labels, axial.labels);
  EXPECT_EQ(same.info.grid, axial.info.grid);
}

TEST(TurnedShard, RefusesAnUnknownPlaneAndContentsThatAreTurnedAlready) {
  EXPECT_THROW(turned(small_shard("s"), "oblique"), std::invalid_argument);
  EXPECT_THROW(turned(turned(small_shard("s"), "coronal"), "sagittal"), std::invalid_argument);
}

TEST(TurnedShard, ShardsAreTurnedOnceEach) {
  const TemporaryFolder folder;
  const fs::path axial = folder.path / "axial", coronal = folder.path / "coronal";
  fs::create_directories(axial);
  write_shard(axial / "a.h5", small_shard("a", 1));
  write_shard(axial / "b.h5", small_shard("b", 2));
  turn_shards(axial, {"a", "b"}, coronal, "coronal");
  const Shard shard(coronal / "b.h5");
  EXPECT_EQ(shard.info().plane, "coronal");
  EXPECT_EQ(shard.info().subject, "b");
  std::vector<std::uint8_t> images(2 * 6 * 4 * 8);
  shard.read(0, 16, images, {});
  EXPECT_EQ(images, turned(small_shard("b", 2), "coronal").images);

  fs::remove(axial / "a.h5");  // not read again
  turn_shards(axial, {"a", "b"}, coronal, "coronal");
  fs::remove(coronal / "a.h5");
  try {
    turn_shards(axial, {"a", "b"}, coronal, "coronal");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr((axial / "a.h5").string()));
  }
}

}  // namespace
}  // namespace crossfade::data
