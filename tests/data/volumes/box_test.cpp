#include "data/volumes/box.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace crossfade::data {
namespace {

Volume<std::uint8_t> volume_of(std::array<int, 3> size) {
  Volume<std::uint8_t> volume{{size, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}}, {}};
  volume.voxels.resize(volume.geometry.voxels());
  return volume;
}

TEST(BoxOfContents, HoldsEveryVoxelThatIsNotZeroAndNoMore) {
  Volume<std::uint8_t> volume = volume_of({9, 10, 11});
  volume.at(3, 8, 5) = 1;
  volume.at(6, 4, 2) = 255;
  const Box box = box_of_contents(volume, {0, 0, 0});
  EXPECT_EQ(box.low, (std::array<int, 3>{3, 4, 2}));
  EXPECT_EQ(box.high, (std::array<int, 3>{7, 9, 6}));
  EXPECT_TRUE(box.has_row(4, 5));
  EXPECT_FALSE(box.has_row(3, 5) || box.has_row(9, 5) || box.has_row(4, 1) || box.has_row(4, 6));
}

TEST(BoxOfContents, IsWidenedAsFarAsTheGridGoes) {
  Volume<std::uint8_t> volume = volume_of({9, 10, 11});
  volume.at(3, 8, 5) = 1;
  const Box box = box_of_contents(volume, {1, 4, 20});
  EXPECT_EQ(box.low, (std::array<int, 3>{2, 4, 0}));
  EXPECT_EQ(box.high, (std::array<int, 3>{5, 10, 11}));
}

TEST(BoxOfContents, OfNothingIsEmpty) {
  const Box box = box_of_contents(volume_of({4, 4, 4}), {2, 2, 2});
  EXPECT_TRUE(box.empty());
  EXPECT_EQ(box.size(0), 0);
  EXPECT_FALSE(box.has_row(0, 0));
}

}  // namespace
}  // namespace crossfade::data
