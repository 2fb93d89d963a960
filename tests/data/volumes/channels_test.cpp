// Images of several channels in one NIfTI or MGH file, beside what nibabel reads of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "data/volumes/image.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class Channels : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made_ = new TemporaryFolder;
    const std::string command =
        std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/channel_volumes.py " + made_->path.string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { delete made_; }
  static fs::path file(const std::string& name) { return made_->path / name; }
  static std::string refusal(const std::string& name) {
    return error_of([&] { read_channels(file(name)); });
  }
  static TemporaryFolder* made_;
};
TemporaryFolder* Channels::made_ = nullptr;

TEST_F(Channels, AreTheVolumesThatNibabelReadsInTheirOrder) {
  std::ifstream in(file("expected.json"));
  const json all = json::parse(in);
  EXPECT_EQ(all.size(), 15U);
  for (const auto& [name, expected] : all.items()) {
    const std::vector<ReadVolume<float>> channels = read_channels(file(name));
    ASSERT_EQ(channels.size(), expected["channels"].size()) << name;
    for (std::size_t c = 0; c < channels.size(); ++c) {
      EXPECT_EQ(channels[c].voxels, expected["channels"][c].get<std::vector<float>>()) << name << " channel " << c;
      for (std::size_t row = 0; row < 3; ++row)
        for (std::size_t column = 0; column < 4; ++column)
          EXPECT_NEAR(channels[c].geometry.affine[row][column], expected["affine"][row][column].get<double>(), 1e-5);
    }
  }
}

TEST_F(Channels, OfASingleVolumeAreTheImageItself) {
  for (const char* name : {"single.nii", "flat.nii", "single.mgz"}) {
    const std::vector<ReadVolume<float>> channels = read_channels(file(name));
    ASSERT_EQ(channels.size(), 1U) << name;
    EXPECT_EQ(channels[0].voxels, read_image(file(name)).voxels) << name;
    EXPECT_EQ(channels[0].geometry, read_image(file(name)).geometry) << name;
  }
}

TEST_F(Channels, CountWhatIsNotFiniteEachForItself) {
  for (const char* name : {"holes.nii", "holes.mgz"}) {
    const std::vector<ReadVolume<float>> channels = read_channels(file(name));
    ASSERT_EQ(channels.size(), 3U);
    EXPECT_EQ(channels[0].notes.not_finite, 0U) << name;
    EXPECT_EQ(channels[1].notes.not_finite, 2U) << name;
    EXPECT_EQ(channels[2].notes.not_finite, 1U) << name;
    EXPECT_EQ(channels[1].at(2, 3, 4), 0) << name;
    EXPECT_NE(channels[0].at(2, 3, 4), 0) << name;
  }
}

TEST_F(Channels, AreRefusedWhereOneImageIsAskedFor) {
  EXPECT_THAT(error_of([&] { read_image(file("two.nii.gz")); }),
              HasSubstr("has 4 dimensions, 3 x 4 x 5 x 2; a volume"));
  EXPECT_THAT(error_of([&] { read_image(file("vector.nii")); }), HasSubstr("has 5 dimensions, 3 x 4 x 5 x 1 x 3"));
  EXPECT_THAT(error_of([&] { read_image(file("three.mgz")); }), HasSubstr("has 3 frames; a volume has 1"));
  EXPECT_THAT(error_of([&] { read_labels(file("two.nii.gz")); }), HasSubstr("has 4 dimensions"));
}

TEST_F(Channels, OfASeriesOrOfTwoFurtherDimensionsAreRefused) {
  EXPECT_THAT(refusal("series.nii"),
              HasSubstr("series.nii: has 65 volumes, 3 x 4 x 2 x 65; the channels of an image are "
                        "at most 64"));
  EXPECT_THAT(refusal("series.mgz"), HasSubstr("series.mgz: has 65 frames; the channels of an image are 1 to 64"));
  EXPECT_THAT(refusal("five.nii"), HasSubstr("five.nii: has 5 dimensions, 3 x 4 x 5 x 2 x 3; an image has 3"));
}

TEST_F(Channels, ThatEndEarlyAreRefusedByName) {
  // 240 voxels of int16: the end of the last channel, the end of the third, the middle of the first.
  for (const std::uintmax_t missing : {1U, 120U, 121U, 420U}) {
    fs::copy_file(file("four_i2.nii"), file("cut.nii"), fs::copy_options::overwrite_existing);
    fs::resize_file(file("cut.nii"), fs::file_size(file("cut.nii")) - missing);
    EXPECT_THAT(refusal("cut.nii"), HasSubstr("cut.nii: is truncated")) << missing;
  }
}

}  // namespace
}  // namespace crossfade::data
