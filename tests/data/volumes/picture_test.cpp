#include "data/volumes/picture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
using testing::AllOf;
using testing::HasSubstr;

json read_json(const fs::path& file) {
  std::ifstream in(file);
  EXPECT_TRUE(in) << file;
  return json::parse(in);
}

void python(const std::string& verb, const fs::path& place) {
  const std::string command =
      std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/picture_files.py " + verb + " " + place.string();
  ASSERT_EQ(std::system(command.c_str()), 0);
}

/// What the test's own decoder reads of a PNG.
json decoded(const fs::path& file) {
  python("decode", file);
  return read_json(file.string() + ".json");
}

/// A folder of pictures that were put together byte by byte; made once.
class Pictures : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made_ = new TemporaryFolder;
    python("write", made_->path);
  }
  static void TearDownTestSuite() { delete made_; }
  static fs::path file(const std::string& name) { return made_->path / name; }
  static std::string refusal(const std::string& name) {
    return error_of([&] { read_picture(file(name)); });
  }
  static std::string refusal_of_labels(const std::string& name) {
    return error_of([&] { read_picture_labels(file(name)); });
  }
  static TemporaryFolder* made_;
};
TemporaryFolder* Pictures::made_ = nullptr;

TEST_F(Pictures, OfEveryKindHaveTheirStoredSamplesAsChannels) {
  const json all = read_json(file("expected.json"));
  EXPECT_GT(all.size(), 60U);
  for (const auto& [name, expected] : all.items()) {
    const std::vector<ReadVolume<float>> channels = read_picture(file(name));
    ASSERT_EQ(channels.size(), expected["channels"].size()) << name;
    for (std::size_t c = 0; c < channels.size(); ++c) {
      const std::array<int, 3> size{expected["size"][0], expected["size"][1], 1};
      EXPECT_EQ(channels[c].geometry.size, size) << name;
      EXPECT_EQ(channels[c].geometry, channels[0].geometry) << name;
      EXPECT_EQ(channels[c].voxels, expected["channels"][c].get<std::vector<float>>()) << name << " channel " << c;
    }
  }
}

TEST_F(Pictures, OfGreyLevelsOrAPaletteHaveTheirStoredNumbersAsLabels) {
  int seen = 0;
  const json all = read_json(file("expected.json"));
  for (const auto& [name, expected] : all.items()) {
    if (expected["labels"].is_null()) continue;
    EXPECT_EQ(read_picture_labels(file(name)).voxels, expected["labels"].get<std::vector<std::int32_t>>()) << name;
    ++seen;
  }
  EXPECT_GT(seen, 45);
}

TEST_F(Pictures, AreDrawnUprightWithTheirRowsDownwards) {
  // Voxel (column, row) at x = column, y = -row: so the top row is the last of the canonical volume.
  const Volume<float> picture = read_picture(file("grey8.png")).front();
  const std::array<std::array<double, 4>, 3> affine{{{1, 0, 0, 0}, {0, -1, 0, 0}, {0, 0, 1, 0}}};
  EXPECT_EQ(picture.geometry.affine, affine);
  const Volume<float> upright = reorient(picture, to_canonical(picture.geometry));
  for (int column = 0; column < 11; ++column)
    for (int row = 0; row < 5; ++row) EXPECT_EQ(upright.at(column, 4 - row, 0), picture.at(column, row, 0));
}

TEST_F(Pictures, OfFractionsHave0WhereTheyAreNotFiniteAndRoundAsLabels) {
  EXPECT_EQ(read_picture(file("holes.tif")).front().notes.not_finite, 3U);
  EXPECT_EQ(read_picture_labels(file("near.tif")).notes.rounded, 1U);
  EXPECT_THAT(refusal_of_labels("fractions.tif"), AllOf(HasSubstr("fractions.tif: voxel 0"), HasSubstr("integers")));
}

TEST_F(Pictures, OfColoursAreRefusedAsLabelsWithTheReason) {
  for (const char* name : {"rgb8.png", "rgba16.png", "rgb_little.tif", "planes_big.tiff"})
    EXPECT_THAT(refusal_of_labels(name), HasSubstr(file(name).string() + ": has colours, and nothing says which"));
  for (const char* name : {"white.tif", "white1.tif"})
    EXPECT_THAT(refusal_of_labels(name), HasSubstr(file(name).string() + ": says that 0 is white"));
}

TEST_F(Pictures, ThatCannotBeTakenForOneImageAreRefusedWithTheReason) {
  EXPECT_THAT(refusal("pages.tif"), HasSubstr("pages.tif: has 3 pages; a picture has one"));
  EXPECT_THAT(refusal("turned.tif"), HasSubstr("turned.tif: has orientation 3, expected 1"));
  EXPECT_THAT(refusal("inks.tif"), HasSubstr("inks.tif: has photometric interpretation 5"));
  EXPECT_THAT(refusal("two_channels.tif"), HasSubstr("two_channels.tif: has 2 samples a pixel, expected 1"));
  EXPECT_THAT(refusal("unsaid.tif"), HasSubstr("unsaid.tif: does not say whether it is grey"));
  EXPECT_THAT(refusal("twelve_bits.tif"), HasSubstr("twelve_bits.tif: has 1 samples of 12 bits"));
  EXPECT_THAT(refusal("white_and_signed.tif"), HasSubstr("white_and_signed.tif: has signed or real numbers"));
  EXPECT_THAT(refusal("beyond_palette.png"), HasSubstr("has colour 5 of a palette of 5"));
  for (const char* name : {"huge.tif", "huge.png"})
    EXPECT_THAT(refusal(name), HasSubstr(file(name).string() + ": is 60000 x 60000 pixels")) << name;
}

TEST_F(Pictures, ThatAreNoneAreRefusedByNameAndNothingElseIsSaid) {
  std::ofstream(file("text.png")) << "this is no picture";
  std::ofstream(file("text.tiff")) << "this is no picture";
  std::ofstream(file("empty.png")).flush();
  std::ofstream(file("empty.tif")).flush();
  testing::internal::CaptureStderr();
  for (const char* name : {"text.png", "empty.png", "in_fact.png"})
    EXPECT_THAT(refusal(name), HasSubstr(file(name).string() + ": is no PNG")) << name;
  for (const char* name : {"text.tiff", "empty.tif", "in_fact.tif"})
    EXPECT_THAT(refusal(name), HasSubstr(file(name).string() + ": is no TIFF")) << name;
  EXPECT_THAT(refusal("damaged.png"), HasSubstr("damaged.png: is damaged: "));
  EXPECT_THAT(refusal("missing.png"), HasSubstr("missing.png: no such file"));
  EXPECT_THAT(refusal("expected.json"), HasSubstr("expected.json: is no picture by its ending (.png, .tif or .tiff)"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Pictures, ThatEndEarlyAreRefusedByNameWhereverTheyEnd) {
  testing::internal::CaptureStderr();
  for (const char* name : {"grey8.png", "rgb8_cut.png", "grey_u2_big.tif", "deflated.tif", "plane_tiles.tif"}) {
    const std::string whole = name == std::string("rgb8_cut.png") ? "rgb8.png" : name;
    const std::string cut = "cut-" + std::string(name);
    fs::copy_file(file(whole), file(cut));
    ASSERT_EQ(refusal(cut), "no error");
    const std::uintmax_t bytes = fs::file_size(file(cut));
    for (std::uintmax_t end = bytes - 1; end + 1 > 0; end -= std::min<std::uintmax_t>(end + 1, end > 600 ? 37 : 1)) {
      fs::resize_file(file(cut), end);
      ASSERT_THAT(refusal(cut), HasSubstr(file(cut).string() + ": is ")) << end << " of " << bytes << " bytes";
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Pictures, AreToldByTheirEnding) {
  for (const char* name : {"a.png", "a.PNG", "a.tif", "/b/a.Tiff", "a.b.TIF"}) EXPECT_TRUE(is_picture(name)) << name;
  for (const char* name : {"a.nii", "a.png.gz", ".png", "png", "a.tifff", "a.jpg", "a.png/b"})
    EXPECT_FALSE(is_picture(name)) << name;
}

TEST_F(Pictures, GiveTheirChannelsAmongTheImagesOfOtherFormats) {
  const std::vector<ReadVolume<float>> colours = read_channels(file("rgb8.png"));
  ASSERT_EQ(colours.size(), 3U);
  EXPECT_EQ(colours[2].voxels, read_picture(file("rgb8.png"))[2].voxels);
  EXPECT_EQ(read_channels(file("grey_u2_big.tif")).size(), 1U);
}

TEST_F(Pictures, OfLabelsComeBackRowForRow) {
  for (const auto& [name, bits] :
       {std::pair<std::string, int>{"palette8.png", 8}, {"grey16.png", 16}, {"grey1.tif", 8}}) {
    const Volume<std::int32_t> labels = read_picture_labels(file(name));
    const json expected = read_json(file("expected.json"))[name];
    // As read, and as a net sees it: canonical.
    for (const Volume<std::int32_t>& same : {labels, reorient(labels, to_canonical(labels.geometry))}) {
      write_picture_labels(file("back.png"), same);
      const json back = decoded(file("back.png"));
      EXPECT_EQ(back["width"], expected["size"][0]) << name;
      EXPECT_EQ(back["height"], expected["size"][1]) << name;
      EXPECT_EQ(back["samples"], expected["labels"]) << name;
      EXPECT_EQ(back["bits"], bits) << name;
      EXPECT_EQ(back["colour_type"], 0) << name;  // grey
      EXPECT_EQ(read_picture_labels(file("back.png")).geometry, labels.geometry) << name;
    }
  }
}

Volume<std::int32_t> slice_of(std::array<int, 3> size, std::vector<std::int32_t> ids) {
  return {{size, {{{1, 0, 0, 0}, {0, -1, 0, 0}, {0, 0, 1, 0}}}}, std::move(ids)};
}

TEST_F(Pictures, TakeSixteenBitsWhereEightDoNotHoldTheIds) {
  const fs::path place = file("ids");
  fs::create_directory(place);
  for (const auto& [most, bits] : {std::pair{255, 8}, {256, 16}, {65535, 16}}) {
    write_labels(place / "ids.png", slice_of({3, 2, 1}, {0, most, 1, 2, 0, 7}));
    const json back = decoded(place / "ids.png");
    EXPECT_EQ(back["bits"], bits);
    EXPECT_EQ(back["samples"], (json{0, most, 1, 2, 0, 7}));
    fs::remove(place / "ids.png.json");
    EXPECT_EQ(std::distance(fs::directory_iterator(place), fs::directory_iterator()), 1);  // nothing is left beside it
  }
}

TEST_F(Pictures, OfLabelsThatNoPngHoldsAreRefusedWithThePixel) {
  const auto refusal_to_write = [&](const char* name, const Volume<std::int32_t>& labels) {
    return error_of([&] { write_picture_labels(file(name), labels); });
  };
  EXPECT_THAT(refusal_to_write("out.png", slice_of({3, 2, 1}, {0, 1, 2, 3, -1, 4})),
              HasSubstr(file("out.png").string() + ": cannot be written: the pixel in column 1, row 1 has id -1"));
  EXPECT_THAT(refusal_to_write("out.png", slice_of({3, 2, 1}, {0, 1, 65536, 3, 1, 4})),
              HasSubstr("column 2, row 0 has id 65536, and a PNG holds 0 to 65535"));
  EXPECT_THAT(refusal_to_write("out.png", slice_of({1, 2, 2}, {0, 1, 2, 3})),
              HasSubstr("out.png: cannot be written: a picture holds one axial slice, and there are 2"));
  EXPECT_THAT(refusal_to_write("out.tif", slice_of({1, 1, 1}, {0})),
              HasSubstr("out.tif: a picture of labels is written"));
  EXPECT_THAT(refusal_to_write("no-such-folder/out.png", slice_of({1, 1, 1}, {0})), HasSubstr("no-such-folder"));
  EXPECT_FALSE(fs::exists(file("out.png")));
}

}  // namespace
}  // namespace crossfade::data
