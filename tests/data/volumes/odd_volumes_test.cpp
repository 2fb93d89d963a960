// Headers as other programs write them, beside what nibabel reads of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "data/volumes/image.hpp"
#include "data/volumes/nifti.hpp"
#include "data/volumes/nifti_header.hpp"
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

void expect_affine(const Geometry& geometry, const json& expected, const std::string& name) {
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 4; ++column)
      EXPECT_NEAR(geometry.affine[row][column], expected.at(row).at(column).get<double>(), 1e-5)  // mm; float32
          << name << " " << row << " " << column;
}

class OddVolumes : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made_ = new TemporaryFolder;
    const std::string command =
        std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/odd_volumes.py " + made_->path.string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { delete made_; }
  static fs::path file(const std::string& name) { return made_->path / name; }
  static std::string refusal_of_image(const std::string& name) {
    return error_of([&] { read_image(file(name)); });
  }
  static std::string refusal_of_labels(const std::string& name) {
    return error_of([&] { read_labels(file(name)); });
  }
  static TemporaryFolder* made_;
};
TemporaryFolder* OddVolumes::made_ = nullptr;

TEST_F(OddVolumes, LieAndHoldWhatNibabelReadsOfThem) {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(made_->path)) {
    if (entry.path().extension() != ".json" || entry.path().stem() == "float_labels") continue;
    const std::string name = entry.path().stem().string();
    const json expected = read_json(entry.path());
    const fs::path volume = file(name + (fs::exists(file(name + ".nii")) ? ".nii" : ".nii.gz"));
    const ReadVolume<float> image = read_image(volume);
    EXPECT_EQ(image.geometry.size, (expected["shape"].get<std::array<int, 3>>())) << name;
    expect_affine(image.geometry, expected["affine"], name);
    EXPECT_EQ(image.voxels, expected["voxels"].get<std::vector<float>>()) << name;
    if (name != "scaled") {
      EXPECT_EQ(read_labels(volume).voxels, expected["voxels"].get<std::vector<std::int32_t>>()) << name;
    }
    ++seen;
  }
  EXPECT_EQ(seen, 18);
}

TEST_F(OddVolumes, WithADamagedQformAreReadByTheSformOrRefused) {
  for (const char* name : {"sform_over_damaged_qform.nii", "sform_over_qform_of_no_number.nii"}) {
    const ReadVolume<float> image = read_image(file(name));  // LieAndHoldWhatNibabelReadsOfThem says where it lies
    EXPECT_EQ(image.notes.transforms_mm, 0) << name << ": there are no two transforms to hold against each other";
    EXPECT_TRUE(itk_places_elsewhere(file(name))) << name << ": by the qform, such as it is";
  }
  EXPECT_THAT(refusal_of_image("damaged_qform.nii"),
              HasSubstr("damaged_qform.nii: the quaternion of its qform is longer than 1, expected at most 1, or an "
                        "sform in its place"));
}

TEST_F(OddVolumes, WhoseTransformsDifferSayByHowMuch) {
  // OTHER is ONE mirrored: x goes from 20 down to 15.5 in place of -7 up to -2.5, and y lies 15 mm further back. Outer
  // faces: at i = -0.5, x is 20.75 against -7.75, at i = 3.5 it is 14.75 against -1.75.
  EXPECT_NEAR(read_image(file("sform_over_qform.nii")).notes.transforms_mm, std::hypot(28.5, 15.0), 1e-5);
  for (const char* name : {"sform_alone.nii", "qform_alone.nii", "neither.nii", "scaled.nii"})
    EXPECT_EQ(read_image(file(name)).notes.transforms_mm < 1e-5, true) << name;
  EXPECT_TRUE(itk_places_elsewhere(file("sform_over_qform.nii")));
  EXPECT_TRUE(itk_places_elsewhere(file("neither.nii")));
  EXPECT_FALSE(itk_places_elsewhere(file("qform_alone.nii")));
  EXPECT_FALSE(itk_places_elsewhere(file("sform_alone.nii")));
  EXPECT_FALSE(itk_places_elsewhere(file("missing.nii")));
}

TEST_F(OddVolumes, WithAnAffineThatIsNoneAreRefusedWithTheRemedy) {
  for (const char* name : {"sheared.nii", "sheared.mgh"})
    EXPECT_THAT(refusal_of_image(name),
                AllOf(HasSubstr(file(name).string()), HasSubstr("the cosine between axes 1 and 2 is 0.00"),
                      HasSubstr("at most 0.001; resample it")));
  EXPECT_THAT(refusal_of_image("spacing.nii"),
              AllOf(HasSubstr("spacing.nii: axis 1 has voxels of 1.515"), HasSubstr("1.500000 mm by its pixdim"),
                    HasSubstr("mend the header")));
  EXPECT_THAT(refusal_of_image("singular.nii"), HasSubstr("axis 1 of its sform has length 0 mm"));
  EXPECT_THAT(refusal_of_image("no_number.nii"), HasSubstr("an entry of its sform is no number"));
  EXPECT_EQ(read_image(file("sheared_by_rounding.mgh")).voxels.size(), 120U);
}

TEST_F(OddVolumes, ThatAreNoVolumeAreRefusedWithTheCause) {
  EXPECT_THAT(refusal_of_image("packed.nii"), HasSubstr("packed.nii: is packed by gzip: name it .nii.gz"));
  EXPECT_THAT(refusal_of_image("pair.nii"), HasSubstr("pair.nii: is the header of a pair of files"));
  EXPECT_THAT(refusal_of_image("five.nii"), HasSubstr("five.nii: has 5 dimensions, 4 x 5 x 6 x 1 x 3"));
  fs::create_directory(file("folder.nii.gz"));
  EXPECT_THAT(refusal_of_image("folder.nii.gz"), HasSubstr("folder.nii.gz: is no file"));
  fs::remove(file("folder.nii.gz"));
  fs::create_symlink("elsewhere/s1.nii.gz", file("link.nii.gz"));
  EXPECT_THAT(refusal_of_image("link.nii.gz"), HasSubstr("link.nii.gz: is a link to elsewhere/s1.nii.gz"));
  fs::remove(file("link.nii.gz"));
}

TEST_F(OddVolumes, WithVoxelsThatAreNotFiniteHave0ThereAndSayHowMany) {
  for (const char* name : {"holes.nii", "holes.mgh"}) {
    const ReadVolume<float> image = read_image(file(name));
    EXPECT_EQ(image.notes.not_finite, 3U) << name;
    for (const float voxel : {image.at(1, 2, 3), image.at(0, 0, 0), image.at(3, 4, 5)}) EXPECT_EQ(voxel, 0) << name;
    EXPECT_EQ(image.at(1, 0, 0), 13) << name;
    EXPECT_THAT(refusal_of_labels(name), AllOf(HasSubstr(name), HasSubstr("voxel 0 holds inf"))) << name;
  }
}

TEST_F(OddVolumes, OfLabelsSavedThroughFloatingPointAreRoundedAndSaySo) {
  const json expected = read_json(file("float_labels.json"));
  const ReadVolume<std::int32_t> labels = read_labels(file("float_labels.nii.gz"));
  EXPECT_EQ(labels.voxels, expected["voxels"].get<std::vector<std::int32_t>>());
  EXPECT_GT(labels.notes.rounded, 0U);
  EXPECT_LE(labels.notes.rounding, expected["slope"].get<double>() / 2);
  EXPECT_EQ(read_labels(file("nearer_labels.nii")).at(1, 0, 0), 4);
  EXPECT_EQ(read_labels(file("nearer_labels.nii")).notes.rounded, 2U);
  EXPECT_NEAR(read_labels(file("nearer_labels.nii")).notes.rounding, 5e-4, 1e-6);
  EXPECT_EQ(read_labels(file("int64.nii")).notes.rounded, 0U);
}

TEST_F(OddVolumes, OfOtherValuesThanLabelsAreRefusedWithTheSlope) {
  EXPECT_THAT(refusal_of_labels("near_labels.nii"), AllOf(HasSubstr("voxel 1 holds 4.002"), HasSubstr("integers")));
  EXPECT_THAT(refusal_of_labels("half_labels.nii"), AllOf(HasSubstr("voxel 0 holds 13.5"), HasSubstr("by 0.25")));
  // A step above 1 may have made one value of two ids, however near an integer it is.
  EXPECT_THAT(refusal_of_labels("wide_labels.nii"),
              AllOf(HasSubstr("scales what is stored by 3.05"), HasSubstr("save it as integers, without scaling")));
}

TEST_F(OddVolumes, ComeBackWhereTheyWereWhenWritten) {
  for (const char* name : {"sheared_by_rounding.nii", "turned.nii", "turned_the_other_way.nii", "neither.nii"}) {
    const Volume<std::int32_t> labels = read_labels(file(name));
    write_label_map(file("back.nii.gz"), labels);
    const ReadVolume<std::int32_t> back = read_labels(file("back.nii.gz"));
    // mm: float32 over 15 mm; or the shear of 5e-4 over 10 mm, which ITK writes as right angles.
    const double apart = name == std::string("sheared_by_rounding.nii") ? 5e-3 : 1e-4;
    EXPECT_LT(corners_apart_mm(labels.geometry, back.geometry), apart) << name;
    EXPECT_LT(back.notes.transforms_mm, 0.1) << name;
    EXPECT_EQ(back.voxels, labels.voxels) << name;
  }
}

/// The real files of other programs, where they are; docs/data.md says what differs from nibabel, and why.
TEST(RealOddVolumes, AreReadAsNibabelReadsThemOrRefusedWithTheReason) {
  const fs::path folder = CROSSFADE_ODD_HEADERS;
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  const std::map<std::string, std::string> refused = {
      {"nibabel-tests__functional.nii", "has 4 dimensions, 17 x 21 x 3 x 20"},
      {"nibabel-tests__example_nifti2.nii.gz", "has 4 dimensions, 32 x 20 x 12 x 2"},
      {"nibabel-tests__test.mgz", "has 2 frames"},
      {"dcm2niix-qa__ax_asc_35sl_6.nii", "has 4 dimensions, 64 x 64 x 35 x 2"},
      {"dcm2niix-qa__cor_asc_35sl_16.nii", "has 4 dimensions, 64 x 64 x 35 x 2"},
      {"dcm2niix-qa__sag_asc_35sl_22.nii", "has 4 dimensions, 64 x 64 x 35 x 2"},
      {"nibabel-tests__analyze.hdr", "is no volume by its ending"},
      {"freesurferformats__tiny.mgh", "axis 1 of its affine has length 0 mm"},
  };
  int read = 0, seen = 0;
  const json by_nibabel = read_json(folder / "expected_by_nibabel.json");
  for (const auto& [name, expected] : by_nibabel.items()) {
    ++seen;
    if (const auto reason = refused.find(name); reason != refused.end()) {
      EXPECT_THAT(error_of([&] { read_image(folder / name); }), AllOf(HasSubstr(name), HasSubstr(reason->second)));
      continue;
    }
    const ReadVolume<float> image = read_image(folder / name);
    ++read;
    EXPECT_EQ(image.geometry.size, (expected["shape"].get<std::array<int, 3>>())) << name;
    expect_affine(image.geometry, expected["affine"], name);
    double least = image.voxels[0], most = least, sum = 0;
    for (const float voxel : image.voxels) {
      least = std::min(least, static_cast<double>(voxel));
      most = std::max(most, static_cast<double>(voxel));
      sum += voxel;
    }
    // float32 of what nibabel has in float64
    EXPECT_FLOAT_EQ(static_cast<float>(least), expected["scaled_min"].get<float>()) << name;
    EXPECT_FLOAT_EQ(static_cast<float>(most), expected["scaled_max"].get<float>()) << name;
    const double mean = expected["scaled_mean"];
    EXPECT_NEAR(sum / static_cast<double>(image.voxels.size()), mean, 1e-6 * std::max(1.0, std::abs(mean))) << name;
    EXPECT_FLOAT_EQ(image.at(1, 2, 1), expected["first_voxel_1_2_1"].get<float>()) << name;
  }
  EXPECT_EQ(seen, 16);
  EXPECT_EQ(read, 8);
}

}  // namespace
}  // namespace crossfade::data
