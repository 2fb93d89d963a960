#include "data/shards/class_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "data/labels/structures.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

TEST(ClassWeights, AreTheMedianFrequencyOverTheClassesOwn) {
  // By hand, slices of 100 pixels, 4 slices in two scans. Class 0: 348 pixels in 4 slices, f = 348/400 = 0.87; class 3:
  // 40 in 2, f = 40/200 = 0.2; class 5: 10 in 1, f = 10/100 = 0.1; class 9: 2 in 2, f = 2/200 = 0.01. The median of the
  // four is (0.1 + 0.2)/2 = 0.15.
  std::array scans = {ClassCounts(kClasses), ClassCounts(kClasses)};
  scans[0].pixels[0] = 150;
  scans[0].slice_pixels[0] = 200;
  scans[0].pixels[3] = 40;
  scans[0].slice_pixels[3] = 200;
  scans[0].pixels[5] = 10;
  scans[0].slice_pixels[5] = 100;
  scans[1].pixels[0] = 198;
  scans[1].slice_pixels[0] = 200;
  scans[1].pixels[9] = 2;
  scans[1].slice_pixels[9] = 200;
  const auto weights = median_frequency_weights(scans, kClasses, 0);
  EXPECT_DOUBLE_EQ(weights[0], 0.15 / 0.87);
  EXPECT_DOUBLE_EQ(weights[3], 0.15 / 0.2);
  EXPECT_DOUBLE_EQ(weights[5], 0.15 / 0.1);
  EXPECT_DOUBLE_EQ(weights[9], 0.15 / 0.01);
  EXPECT_EQ(weights[1], 0) << "a class that never occurs";
  EXPECT_EQ(std::count(weights.begin(), weights.end(), 0.0), kClasses - 4);
}

TEST(ClassWeights, TakeTheMiddleOfAnOddNumberOfClasses) {
  std::array scans = {ClassCounts(kClasses)};
  for (const auto& [c, pixels] : {std::pair{0, 90}, {1, 8}, {2, 2}}) {
    scans[0].pixels[static_cast<std::size_t>(c)] = static_cast<std::uint64_t>(pixels);
    scans[0].slice_pixels[static_cast<std::size_t>(c)] = 100;
  }
  const auto weights = median_frequency_weights(scans, kClasses, 0);
  EXPECT_DOUBLE_EQ(weights[0], 8.0 / 90);
  EXPECT_DOUBLE_EQ(weights[1], 1);
  EXPECT_DOUBLE_EQ(weights[2], 4);
  const auto capped = median_frequency_weights(scans, kClasses, 3);
  EXPECT_DOUBLE_EQ(capped[0], 8.0 / 90);
  EXPECT_DOUBLE_EQ(capped[2], 3);
}

TEST(ClassWeights, OfNothingAreZero) {
  const auto weights = median_frequency_weights(std::span<const ClassCounts>(), kClasses, 0);
  EXPECT_EQ(std::count(weights.begin(), weights.end(), 0.0), kClasses);
}

TEST(ClassWeights, FromAShardEqualThoseCountedInItsPixels) {
  const TemporaryFolder folder;
  const ShardContents contents = small_shard("subject");
  write_shard(folder.path / "subject.h5", contents);
  std::vector<Shard> shards;
  shards.emplace_back(folder.path / "subject.h5");

  std::array<double, kClasses> frequency{};
  for (int c = 0; c < kClasses; ++c) {
    double pixels = 0, slices = 0;
    for (auto slice = contents.labels.begin(); slice != contents.labels.end(); slice += 48) {
      const auto here = static_cast<double>(std::count(slice, slice + 48, c));
      pixels += here;
      slices += here > 0 ? 1 : 0;
    }
    if (slices > 0) frequency[static_cast<std::size_t>(c)] = pixels / (slices * 48);
  }
  std::vector<double> sorted;
  for (const double f : frequency)
    if (f > 0) sorted.push_back(f);
  std::sort(sorted.begin(), sorted.end());
  const std::size_t n = sorted.size();
  const double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;

  const auto weights = median_frequency_weights(shards, 0);
  for (std::size_t c = 0; c < kClasses; ++c)
    EXPECT_DOUBLE_EQ(weights[c], frequency[c] > 0 ? median / frequency[c] : 0) << "class " << c;
}

}  // namespace
}  // namespace crossfade::data
