// Shards of version 3: own classes, several channels, any intensities.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "data/shards/class_weights.hpp"
#include "data/shards/loader.hpp"
#include "data/shards/shard.hpp"
#include "data/shards/turned_shard.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Two channels of one scan of 3 slices of 8 x 6 pixels, three classes and voxels that nobody has judged.
ShardContents own_shard(const std::string& subject, float step = 0.25F) {
  ShardContents contents = small_shard(subject, 1, 3);
  ShardInfo& info = contents.info;
  info.own_classes = {R"({"Anterior": 1, "Posterior": [2, 3]})", "", "[9]"};
  info.classes = own_label_table(info.own_classes).classes;
  info.label_table = "classes";
  info.intensity = "zscore";
  info.channels = {"T1", "FLAIR"};
  info.own_spacing = true;
  info.grid_mm = {2, 2, 0};
  info.scans.assign(1, ScanInfo());
  info.scans[0].channels = {{.mean = 3, .sd = 2, .low = -7, .high = 300}, {.mean = 30, .sd = 20, .low = 0, .high = 9}};
  contents.images.clear();
  for (int i = 0; i < 3 * 2 * 48; ++i) contents.values.push_back(static_cast<float>(i % 97) * step - 7);
  contents.labels.resize(3 * 48);
  for (std::size_t i = 0; i < contents.labels.size(); ++i)
    contents.labels[i] = i % 7 == 0 ? kIgnored : static_cast<std::uint8_t>(i % 3);
  return contents;
}

TEST(OwnDataShard, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  const ShardContents contents = own_shard("s");
  EXPECT_EQ(shard_version(contents), 3);
  EXPECT_EQ(shard_version(small_shard("s")), 2);
  write_shard(folder.path / "s.h5", contents);
  const Shard shard(folder.path / "s.h5");
  const ShardInfo& info = shard.info();
  EXPECT_EQ(info.classes, contents.info.classes);
  EXPECT_EQ(info.own_classes, contents.info.own_classes);
  EXPECT_EQ(table_of(info).id_of, (std::vector<std::int32_t>{0, 1, 2}));
  EXPECT_EQ(info.intensity, "zscore");
  EXPECT_EQ(info.channels, contents.info.channels);
  EXPECT_TRUE(info.own_spacing);
  EXPECT_EQ(info.cube, 0);
  EXPECT_EQ(info.grid_mm, contents.info.grid_mm);
  ASSERT_EQ(info.scans.at(0).channels.size(), 2U);
  EXPECT_EQ(info.scans[0].channels[1].mean, 30);
  EXPECT_EQ(info.scans[0].channels[0].low, -7);
  EXPECT_EQ(info.scans[0].channels[0].high, 300);
  std::vector<float> values(contents.values.size());
  shard.read_values(0, 3, values);
  EXPECT_EQ(values, contents.values);
  std::vector<float> one(2 * 48);
  shard.read_values(2, 1, one);
  EXPECT_TRUE(std::equal(one.begin(), one.end(), contents.values.begin() + 2 * 2 * 48));
  std::vector<std::uint8_t> labels(3 * 48), bytes(48);
  shard.read(0, 3, {}, labels);
  EXPECT_EQ(labels, contents.labels);
  EXPECT_THAT(error_of([&] { shard.read(0, 1, bytes, {}); }), HasSubstr("several channels"));
  EXPECT_FALSE(shard.stores_bytes());
}

TEST(OwnDataShard, SaysWithEachBatchWhetherPixelsMayBeIgnored) {
  const TemporaryFolder folder;
  for (const bool ignores : {true, false}) {
    ShardContents contents = own_shard("s");
    if (!ignores) {
      contents.info.own_classes.ignore.clear();
      std::ranges::replace(contents.labels, kIgnored, std::uint8_t{0});
    }
    write_shard(folder.path / "s.h5", contents);
    std::vector<Shard> shards;
    shards.emplace_back(folder.path / "s.h5");
    Loader loader(shards, {{0, 0}}, {});
    loader.start(0);
    EXPECT_EQ(loader.next()->ignores, ignores);
  }
}

TEST(OwnDataShard, StoresValuesInTheSmallestTypeThatHoldsThem) {
  const TemporaryFolder folder;
  const auto stored = [&](const std::vector<float>& three, hid_t type) {
    ShardContents contents = own_shard("s");
    for (std::size_t i = 0; i < contents.values.size(); ++i) contents.values[i] = three[i % three.size()];
    write_shard(folder.path / "s.h5", contents);
    std::vector<float> values(contents.values.size());
    Shard(folder.path / "s.h5").read_values(0, 3, values);
    EXPECT_EQ(values, contents.values);
    const hid_t file = H5Fopen((folder.path / "s.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, "images", H5P_DEFAULT), found = H5Dget_type(dataset);
    const bool equal = H5Tequal(found, type) > 0;
    H5Tclose(found);
    H5Dclose(dataset);
    H5Fclose(file);
    return equal;
  };
  EXPECT_TRUE(stored({0, 255, 7}, H5T_STD_U8LE));
  EXPECT_TRUE(stored({-1024, 3071, 0}, H5T_STD_I16LE));
  EXPECT_TRUE(stored({0, 40000, 1}, H5T_IEEE_F32LE));
  EXPECT_TRUE(stored({0.5F, 1, 2}, H5T_IEEE_F32LE));
}

TEST(OwnDataShard, CountsNothingThatNobodyHasJudged) {
  const TemporaryFolder folder;
  ShardContents contents = own_shard("s");
  std::fill(contents.labels.begin(), contents.labels.end(), std::uint8_t{0});
  std::fill_n(contents.labels.begin(), 8, kIgnored);              // slice 0: 8 of 48 pixels
  std::fill_n(contents.labels.begin() + 8, 10, std::uint8_t{1});  // and 10 of class 1
  std::fill_n(contents.labels.begin() + 48, 48, kIgnored);        // slice 1: all
  write_shard(folder.path / "s.h5", contents);
  std::vector<Shard> shards;
  shards.emplace_back(folder.path / "s.h5");
  const ClassCounts& counts = shards[0].info().scans[0].manual;
  EXPECT_THAT(counts.pixels, ElementsAre(30 + 48, 10, 0));
  EXPECT_THAT(counts.slices, ElementsAre(2, 1, 0));
  EXPECT_THAT(counts.slice_pixels, ElementsAre(40 + 48, 40, 0));
  EXPECT_EQ(shards[0].labelled_slices(0), (std::vector<bool>{true, false, false}));
  // f_0 = 78 / 88, f_1 = 10 / 40; the median of two is their mean.
  const std::vector<double> weights = median_frequency_weights(shards, 0);
  EXPECT_DOUBLE_EQ(weights[1], (78.0 / 88 + 0.25) / 2 / 0.25);
  EXPECT_EQ(weights[2], 0);
}

TEST(OwnDataShard, IsServedInAllChannelsStandardised) {
  const TemporaryFolder folder;
  const ShardContents contents = own_shard("s");
  write_shard(folder.path / "s.h5", contents);
  std::vector<Shard> shards;
  shards.emplace_back(folder.path / "s.h5");
  Loader loader(shards, {{0, 2}}, {.batch = 1});
  loader.start(0);
  const std::optional<Batch> batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->channels, 2);
  ASSERT_EQ(batch->images.size(), 2U * 48);
  for (std::size_t p = 0; p < 48; ++p) {
    const double first = contents.values[2 * 96 + p], second = contents.values[2 * 96 + 48 + p];
    EXPECT_FLOAT_EQ(batch->images[p], static_cast<float>((first - 3) / 2));
    EXPECT_FLOAT_EQ(batch->images[48 + p], static_cast<float>((second - 30) / 20));
    EXPECT_EQ(batch->labels[p], contents.labels[2 * 48 + p]);
  }
}

TEST(OwnDataShard, IsTurnedChannelByChannelWithPairsMergedAsItsTableSays) {
  ShardContents contents = own_shard("s");
  contents.info.own_classes = {R"({"Left": 1, "Right": 2})", R"({"Left": "Right"})", "[9]"};
  contents.info.classes = own_label_table(contents.info.own_classes).classes;
  const ShardContents sagittal = turned(contents, "sagittal");
  // Sagittal slices count i; in them x is j and y is k (docs/shards.md).
  ASSERT_EQ(sagittal.info.grid.size, (std::array<int, 3>{8, 3, 6}));
  EXPECT_TRUE(sagittal.info.sides_merged);
  EXPECT_FALSE(turned(contents, "coronal").info.sides_merged);
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 8; ++j)
      for (int k = 0; k < 3; ++k) {
        const auto from = [&](int channel) {
          return contents.values[static_cast<std::size_t>((k * 2 + channel) * 48 + j * 6 + i)];
        };
        for (const int c : {0, 1})
          ASSERT_EQ(sagittal.values[static_cast<std::size_t>((i * 2 + c) * 24 + k * 8 + j)], from(c));
        const std::uint8_t label = contents.labels[static_cast<std::size_t>(k * 48 + j * 6 + i)];
        ASSERT_EQ(sagittal.labels[static_cast<std::size_t>(i * 24 + k * 8 + j)], label == 2 ? 1 : label);
      }
}

TEST(OwnDataShard, OfOneGridMayHaveSpacingsRoundedEitherWay) {
  const TemporaryFolder folder;
  const auto shard = [&](const char* name, double mm) {
    ShardContents contents = own_shard(name);
    contents.info.own_spacing = false;
    contents.info.own_grid = true;
    contents.info.grid_mm = {0.78125, 0.78125, 0};
    contents.info.grid.affine[0][0] = contents.info.grid.affine[1][1] = mm;
    write_shard(folder.path / (std::string(name) + ".h5"), std::move(contents));
    return Shard(folder.path / (std::string(name) + ".h5"));
  };
  const Shard one = shard("one", 0.7812), other = shard("other", 0.7813);
  EXPECT_EQ(error_of([&] { require_siblings(one, other); }), "no error");
}

TEST(OwnDataShard, IsWhatHoldsAGridOfTheCohortsOwn) {
  ShardContents contents = small_shard("s");
  EXPECT_EQ(shard_version(contents), 2);
  contents.info.own_grid = true;
  EXPECT_EQ(shard_version(contents), 3) << "version 2 could not say that slices are native";
}

TEST(OwnDataShard, HasNoSiblingOfOtherClassesRulesOrChannels) {
  const TemporaryFolder folder;
  const auto shard = [&](const char* name, const auto& change) {
    ShardContents contents = own_shard(name);
    change(contents);
    write_shard(folder.path / (std::string(name) + ".h5"), std::move(contents));
    return Shard(folder.path / (std::string(name) + ".h5"));
  };
  const Shard one = shard("one", [](ShardContents&) {});
  const Shard other_spacing = shard("two", [](ShardContents& c) { c.info.grid.affine[2][2] = 5; });
  EXPECT_EQ(error_of([&] { require_siblings(one, other_spacing); }), "no error") << "each has its own";
  const Shard other_rule = shard("three", [](ShardContents& c) { c.info.intensity = "none"; });
  EXPECT_THAT(error_of([&] { require_siblings(one, other_rule); }),
              HasSubstr("intensity rule none differs from zscore"));
  const Shard other_channels = shard("four", [](ShardContents& c) { c.info.channels = {"T1", "T2"}; });
  EXPECT_THAT(error_of([&] { require_siblings(one, other_channels); }), HasSubstr("channels T1, T2 differs"));
}

TEST(OwnDataShard, IsRefusedWhereItsContentsDoNotFit) {
  const TemporaryFolder folder;
  const auto refused = [&](const auto& change) {
    ShardContents contents = own_shard("s");
    change(contents);
    return error_of([&] { write_shard(folder.path / "s.h5", std::move(contents)); });
  };
  EXPECT_THAT(refused([](ShardContents& c) { c.labels[5] = 3; }), HasSubstr("label 3 is no class: 0 to 2"));
  EXPECT_THAT(refused([](ShardContents& c) { c.info.own_classes.ignore.clear(); }), HasSubstr("label 255 is no class"));
  EXPECT_THAT(refused([](ShardContents& c) { c.values.pop_back(); }), HasSubstr("image pixels instead of 288"));
  EXPECT_THAT(refused([](ShardContents& c) { c.info.intensity = "mri"; }), HasSubstr("'mri' is no rule"));
  EXPECT_THAT(refused([](ShardContents& c) { c.info.scans[0].channels.pop_back(); }),
              HasSubstr("intensities of 1 channels instead of 2"));
}

}  // namespace
}  // namespace crossfade::data
