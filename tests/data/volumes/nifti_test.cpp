#include "data/volumes/nifti.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/error_of.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

/// A folder of files that nibabel wrote; made once.
class Nifti : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::temp_directory_path() / ("crossfade-nifti-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    ASSERT_EQ(python("write"), 0);
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  static int python(const std::string& verb) {
    const std::string command = std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/nifti_reference.py " +
                                verb + " " + folder_.string();
    return std::system(command.c_str());
  }
  static fs::path numbered(int n) { return folder_ / (std::to_string(n) + (n % 2 == 1 ? ".nii.gz" : ".nii")); }

  static fs::path folder_;
};
fs::path Nifti::folder_;

void expect_equal(const Volume<std::int32_t>& volume, const fs::path& reference) {
  std::ifstream in(reference);
  ASSERT_TRUE(in) << reference;
  for (const int size : volume.geometry.size) {
    int expected = 0;
    in >> expected;
    ASSERT_EQ(size, expected) << reference;
  }
  for (const auto& row : volume.geometry.affine) {
    for (const double entry : row) {
      double expected = 0;
      in >> expected;
      EXPECT_NEAR(entry, expected, 1e-4) << reference;  // mm; headers hold float32
    }
  }
  for (const std::int32_t voxel : volume.voxels) {
    int expected = 0;
    in >> expected;
    ASSERT_EQ(voxel, expected) << reference;
  }
  ASSERT_TRUE(in) << reference;
}

TEST_F(Nifti, ReadsAll48OrientationsAsNibabelDoes) {
  for (int n = 0; n < 48; ++n) {
    expect_equal(read_label_map(numbered(n)), folder_ / (std::to_string(n) + ".raw.txt"));
  }
}

TEST_F(Nifti, CanonicalAxesAreThoseOfNibabel) {
  for (int n = 0; n < 48; ++n) {
    const Volume<std::int32_t> volume = read_label_map(numbered(n));
    expect_equal(reorient(volume, to_canonical(volume.geometry)), folder_ / (std::to_string(n) + ".canonical.txt"));
  }
}

TEST_F(Nifti, NibabelReadsWhatWasWritten) {
  for (int n = 0; n < 48; ++n) {
    write_label_map(folder_ / (std::to_string(n) + ".back.nii.gz"), read_label_map(numbered(n)));
  }
  EXPECT_EQ(python("check"), 0);
}

TEST_F(Nifti, WritingLeavesNothingBeside) {
  const fs::path place = folder_ / "beside";
  fs::create_directory(place);
  write_label_map(place / "a.nii", read_label_map(numbered(0)));
  write_label_map(place / "a.nii", read_label_map(numbered(1)));  // replaces
  EXPECT_EQ(std::distance(fs::directory_iterator(place), fs::directory_iterator()), 1);
  EXPECT_EQ(read_label_map(place / "a.nii").voxels, read_label_map(numbered(1)).voxels);
}

TEST_F(Nifti, TakesAFourthDimensionOfOne) {
  EXPECT_EQ(read_label_map(folder_ / "flat.nii").voxels, std::vector<std::int32_t>(27, 7));
}

TEST_F(Nifti, RefusesWhatIsNoLabelMapByName) {
  using testing::HasSubstr;
  const auto refusal = [&](const char* name) { return error_of([&] { read_label_map(folder_ / name); }); };
  EXPECT_THAT(refusal("missing.nii"), AllOf(HasSubstr("missing.nii"), HasSubstr("no such file")));
  EXPECT_THAT(refusal("half.nii"), AllOf(HasSubstr("half.nii"), HasSubstr("1.5"), HasSubstr("integers")));
  EXPECT_THAT(refusal("four.nii"), AllOf(HasSubstr("four.nii"), HasSubstr("4 dimensions")));

  std::ofstream(folder_ / "text.nii") << "this is no image, however long the text that stands in it may be";
  EXPECT_THAT(refusal("text.nii"), AllOf(HasSubstr("text.nii"), HasSubstr("no NIfTI")));
  fs::copy_file(numbered(0), folder_ / "0.mgz");
  EXPECT_THAT(refusal("0.mgz"), AllOf(HasSubstr("0.mgz"), HasSubstr("no NIfTI")));

  for (const char* whole : {"2.nii", "3.nii.gz"}) {
    const std::string name = std::string("cut-") + whole;
    fs::copy_file(folder_ / whole, folder_ / name);
    fs::resize_file(folder_ / name, fs::file_size(folder_ / name) - 30);
    EXPECT_THAT(refusal(name.c_str()), HasSubstr(name)) << name;
  }
}

TEST_F(Nifti, RefusesToWriteWhereItCannotByName) {
  const Volume<std::int32_t> volume = read_label_map(numbered(0));
  EXPECT_THAT(error_of([&] { write_label_map(folder_ / "no-such-folder" / "a.nii", volume); }),
              testing::HasSubstr("no-such-folder"));
  EXPECT_THAT(error_of([&] { write_label_map(folder_ / "a.mgz", volume); }), testing::HasSubstr("a.mgz"));
}

}  // namespace
}  // namespace crossfade::data
