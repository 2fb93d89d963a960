#include "data/shards/intensity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/data/small_shard.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

using testing::ElementsAre;

Volume<float> image_of(std::vector<float> voxels) {
  const int size = static_cast<int>(voxels.size());
  return {{{size, 1, 1}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}}, std::move(voxels)};
}

// All voxels of a row are on its faces: -5 has half of them, and is its background.
TEST(Intensity, IsMeasuredOnTheImageOrOnWhatIsAboveItsBackground) {
  const Volume<float> image = image_of({-5, -5, -5, 1, 4, 7});
  const ChannelIntensities all = measured_intensities("zscore", image);
  EXPECT_DOUBLE_EQ(all.mean, -0.5);
  EXPECT_NEAR(all.sd, std::sqrt((3 * 20.25 + 2.25 + 20.25 + 56.25) / 6), 1e-12);
  EXPECT_EQ(all.low, -5);
  EXPECT_EQ(all.high, 7);
  const ChannelIntensities foreground = measured_intensities("zscore_foreground", image);
  EXPECT_DOUBLE_EQ(foreground.mean, 4);
  EXPECT_NEAR(foreground.sd, std::sqrt(6.0), 1e-12);
  for (const char* rule : {"none", "ct"}) {
    const ChannelIntensities as_it_comes = measured_intensities(rule, image);
    EXPECT_EQ(as_it_comes.mean, 0) << rule;
    EXPECT_EQ(as_it_comes.sd, 1) << rule;
  }
}

TEST(Intensity, OfADarkObjectOnPaperIsThatOfTheObject) {
  const ChannelIntensities measured = measured_intensities("zscore_foreground", image_of({255, 255, 255, 10, 20}));
  EXPECT_DOUBLE_EQ(measured.mean, 15);
  EXPECT_DOUBLE_EQ(measured.sd, 5);
}

TEST(Intensity, SamplesLabelledVoxelsEvenlyAndOnlyThoseThatSomebodyJudged) {
  EXPECT_THAT(labelled_sample(std::vector<float>{1, 2, 3, 4}, std::vector<std::uint8_t>{0, 1, kIgnored, 3}),
              ElementsAre(2, 4));
  std::vector<float> values;
  for (std::size_t i = 0; i < 2 * kLabelledSample; ++i) values.push_back(static_cast<float>(i));
  const std::vector<float> some = labelled_sample(values, std::vector<std::uint8_t>(values.size(), 1));
  ASSERT_EQ(some.size(), kLabelledSample);
  EXPECT_EQ(some[0], 0);
  EXPECT_EQ(some[1], 2);
}

/// A shard by rule ct whose labelled voxels have these values.
Shard ct_shard(const std::filesystem::path& file, std::vector<float> labelled) {
  ShardContents contents = small_shard(file.stem().string());
  contents.info.intensity = "ct";
  contents.values.assign(contents.images.begin(), contents.images.end());
  contents.images.clear();
  contents.info.scans.resize(1);
  const std::size_t half = contents.values.size() / 2;
  contents.values.resize(half);
  contents.labels.resize(half);
  contents.info.scans[0].channels[0] = {.low = -1024, .high = 3000, .labelled = std::move(labelled)};
  write_shard(file, std::move(contents));
  return Shard(file);
}

// numpy.percentile([0, 1, ..., 9, 100], [0.5, 99.5]) is [0.05, 95.45]; the mean is 145 / 11.
TEST(Intensity, OfCtComesFromTheLabelledVoxelsOfAllTrainingSubjects) {
  const TemporaryFolder folder;
  std::vector<Shard> shards;
  shards.push_back(ct_shard(folder.path / "a.h5", {0, 1, 2, 3, 4, 100}));
  shards.push_back(ct_shard(folder.path / "b.h5", {9, 8, 7, 6, 5}));
  const std::vector<Standard> standards = standards_over(shards);
  ASSERT_EQ(standards.size(), 1U);
  EXPECT_NEAR(standards[0].low, 0.05, 1e-6);
  EXPECT_NEAR(standards[0].high, 95.45, 1e-5);
  EXPECT_NEAR(standards[0].mean, 145.0 / 11, 1e-9);
  EXPECT_NEAR(standards[0].sd, std::sqrt((285 + 10000) / 11.0 - std::pow(145.0 / 11, 2)), 1e-9);

  EXPECT_THROW(shards[0].standards(0), std::runtime_error) << "nothing has been said yet";
  shards[0].standardise_by(standards);
  EXPECT_EQ(shards[0].standards(0), standards);
  std::vector<float> values = {-1000, 50, 1000};
  standardise(values, standards);
  const double mean = standards[0].mean, sd = standards[0].sd;
  EXPECT_FLOAT_EQ(values[0], static_cast<float>((standards[0].low - mean) / sd));
  EXPECT_FLOAT_EQ(values[1], static_cast<float>((50 - mean) / sd));
  EXPECT_FLOAT_EQ(values[2], static_cast<float>((standards[0].high - mean) / sd));
  std::vector<Shard> empty;
  empty.push_back(ct_shard(folder.path / "c.h5", {}));
  EXPECT_THROW(standards_over(empty), std::runtime_error);
}

TEST(Intensity, OfT1ComesFromWhatIsAboveZero) {
  const ChannelIntensities found = t1_intensities(std::vector<float>{0, -1, 2, 4});
  EXPECT_DOUBLE_EQ(found.mean, 3);
  EXPECT_DOUBLE_EQ(found.sd, 1);
}

TEST(Intensity, OfOtherRulesIsEachScansOwn) {
  const TemporaryFolder folder;
  write_shard(folder.path / "a.h5", small_shard("a"));
  std::vector<Shard> shards;
  shards.emplace_back(folder.path / "a.h5");
  EXPECT_TRUE(standards_over(shards).empty());
  const ChannelIntensities& second = shards[0].info().scans[1].channels[0];
  EXPECT_EQ(shards[0].standards(1), (std::vector<Standard>{{.mean = second.mean, .sd = second.sd}}));
}

}  // namespace
}  // namespace crossfade::data
