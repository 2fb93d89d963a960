#include "data/volumes/mgz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "data/volumes/image.hpp"
#include "tests/error_of.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A folder of files that nibabel wrote; made once.
class Mgz : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::temp_directory_path() / ("crossfade-mgz-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    const std::string command =
        std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/nibabel_volumes.py mgz " + folder_.string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  static fs::path numbered(int n) { return folder_ / (std::to_string(n) + (n % 8 < 4 ? ".mgz" : ".mgh")); }

  /// A copy of the plain file `n` under another name, with `bytes` written over it at `offset`.
  static fs::path patched(int n, const std::string& name, std::streamoff offset, const std::string& bytes) {
    fs::copy_file(numbered(n), folder_ / name, fs::copy_options::overwrite_existing);
    std::fstream file(folder_ / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return folder_ / name;
  }

  static fs::path folder_;
};
fs::path Mgz::folder_;

template <class T>
void expect_equal(const Volume<T>& volume, const fs::path& reference) {
  std::ifstream in(reference);
  for (const int size : volume.geometry.size) {
    int expected = 0;
    in >> expected;
    ASSERT_EQ(size, expected) << reference;
  }
  for (const auto& row : volume.geometry.affine) {
    for (const double entry : row) {
      double expected = 0;
      in >> expected;
      EXPECT_NEAR(entry, expected, 1e-5) << reference;  // mm; nibabel sums in float32
    }
  }
  for (const T voxel : volume.voxels) {
    int expected = 0;
    in >> expected;
    ASSERT_EQ(voxel, static_cast<T>(expected)) << reference;
  }
  ASSERT_TRUE(in) << reference;
}

TEST_F(Mgz, ReadsAll48OrientationsAsNibabelDoes) {
  for (int n = 0; n < 48; ++n) {
    expect_equal(read_mgz_label_map(numbered(n)), folder_ / (std::to_string(n) + ".txt"));
    expect_equal(read_mgz_image(numbered(n)), folder_ / (std::to_string(n) + ".txt"));
  }
}

TEST_F(Mgz, ReadsUnsigned16BitsWhichNibabelDoesNotKnow) {
  // File 5 has int16; the type becomes 10 and the first voxel 0x9C40 = 40000, which as int16 would be negative.
  patched(5, "unsigned.mgh", 20, {"\0\0\0\x0A", 4});
  std::fstream(folder_ / "unsigned.mgh", std::ios::in | std::ios::out | std::ios::binary).seekp(284) << "\x9C\x40";
  EXPECT_EQ(read_mgz_label_map(folder_ / "unsigned.mgh").voxels[0], 40000);
  EXPECT_EQ(read_mgz_image(folder_ / "unsigned.mgh").voxels[0], 40000.0F);
  EXPECT_EQ(read_mgz_image(folder_ / "unsigned.mgh").voxels[7] < 0, false);
}

TEST_F(Mgz, IsCoronalWhereTheHeaderGivesNoOrientation) {
  // FreeSurfer's default for size 3 x 4 x 5: i to the left, j to inferior, k to anterior, 1 mm, and voxel
  // (1.5, 2, 2.5) at 0. So voxel 0 lies at 1.5 to the right, 2.5 to the back and 2 up.
  const Geometry geometry = read_mgz_image(patched(4, "default.mgh", 28, {"\0\0", 2})).geometry;
  const std::array<std::array<double, 4>, 3> expected{{{-1, 0, 0, 1.5}, {0, 0, 1, -2.5}, {0, -1, 0, 2}}};
  EXPECT_EQ(geometry.affine, expected);
}

TEST_F(Mgz, RefusesWhatIsNoVolumeByName) {
  const auto refusal = [&](const fs::path& file) { return error_of([&] { read_mgz_label_map(folder_ / file); }); };
  EXPECT_THAT(refusal("missing.mgz"), AllOf(HasSubstr("missing.mgz"), HasSubstr("no such file")));
  EXPECT_THAT(refusal("half.mgz"), AllOf(HasSubstr("half.mgz"), HasSubstr("1.5"), HasSubstr("integers")));
  EXPECT_EQ(read_mgz_image(folder_ / "half.mgz").voxels, std::vector<float>(27, 1.5F));
  EXPECT_THAT(refusal("two.mgz"), AllOf(HasSubstr("two.mgz"), HasSubstr("2 frames")));

  std::ofstream(folder_ / "text.mgz") << "this is no image";
  std::ofstream(folder_ / "empty.mgh").flush();
  for (const char* name : {"text.mgz", "empty.mgh"})
    EXPECT_THAT(refusal(name), AllOf(HasSubstr(name), HasSubstr("no MGH file"))) << name;
  EXPECT_THAT(refusal(patched(4, "version.mgh", 0, {"\0\0\0\2", 4})), HasSubstr("version.mgh: is no MGH file"));
  EXPECT_THAT(refusal(patched(4, "size.mgh", 4, {"\xFF\xFF\xFF\xFF", 4})), HasSubstr("size.mgh: is no MGH file"));
  EXPECT_THAT(refusal(patched(4, "type.mgh", 20, {"\0\0\0\7", 4})), HasSubstr("type.mgh: has voxels of type 7"));
  // Three sizes of 2^30: their product in 64 bits would be 0.
  const std::string huge("\x40\0\0\0\x40\0\0\0\x40\0\0\0", 12);
  EXPECT_THAT(refusal(patched(4, "huge.mgh", 4, huge)), HasSubstr("huge.mgh: is truncated"));
}

TEST_F(Mgz, RefusesTruncatedAndDamagedFilesByName) {
  const auto refusal = [&](const fs::path& file) { return error_of([&] { read_mgz_image(folder_ / file); }); };
  const auto cut = [&](int n, const std::string& name, std::uintmax_t bytes) {
    fs::resize_file(patched(n, name, 0, ""), bytes);
    return refusal(name);
  };
  // File 5 has 60 voxels of int16 after a header of 284 bytes; what follows them is optional.
  EXPECT_EQ(cut(5, "whole.mgh", 284 + 120), "no error");
  EXPECT_THAT(cut(5, "cut.mgh", 284 + 119),
              AllOf(HasSubstr("cut.mgh"), HasSubstr("truncated: it has 119 bytes of voxels, expected 120")));
  EXPECT_EQ(read_mgz_geometry(folder_ / "cut.mgh"), read_mgz_image(folder_ / "whole.mgh").geometry);
  EXPECT_THAT(cut(5, "header.mgh", 283), HasSubstr("header.mgh: is truncated"));
  EXPECT_THAT(error_of([&] { read_mgz_geometry(folder_ / "header.mgh"); }), HasSubstr("header.mgh: is truncated"));
  EXPECT_THAT(cut(1, "cut.mgz", fs::file_size(numbered(1)) - 30), HasSubstr("cut.mgz: is truncated"));
  // The last four bytes but four of gzip are the checksum of the contents.
  const auto checksum = static_cast<std::streamoff>(fs::file_size(numbered(1))) - 8;
  EXPECT_THAT(refusal(patched(1, "damaged.mgz", checksum, "????")), HasSubstr("damaged.mgz: its compressed data"));
}

TEST_F(Mgz, IsChosenByTheEndingOfTheName) {
  EXPECT_EQ(read_image(numbered(3)).voxels, read_mgz_image(numbered(3)).voxels);
  EXPECT_EQ(read_labels(numbered(4)).voxels, read_mgz_label_map(numbered(4)).voxels);
  for (const char* name : {"a.nii", "a.nii.gz"}) {
    EXPECT_THAT(error_of([&] { read_image(folder_ / name); }), HasSubstr("no such file"));
    EXPECT_THAT(error_of([&] { read_labels(folder_ / name); }), HasSubstr("no such file"));
  }
  for (const char* name : {"a.txt", "mgz", ".mgz", "a.mgz.gz"}) {
    EXPECT_THAT(error_of([&] { read_image(folder_ / name); }), AllOf(HasSubstr(name), HasSubstr("ending"))) << name;
    EXPECT_THAT(error_of([&] { read_labels(folder_ / name); }), AllOf(HasSubstr(name), HasSubstr("ending"))) << name;
  }
}

TEST(Image, NamesASubjectByItsFile) {
  for (const char* name : {"sub-01.nii", "sub-01.nii.gz", "sub-01.mgz", "sub-01.mgh", "/scans/of.nii/sub-01.mgz",
                           "sub-01.NII.GZ", "sub-01.Mgz"})
    EXPECT_EQ(subject_of(name), "sub-01") << name;
  EXPECT_EQ(subject_of("sub-01.T1.nii.gz"), "sub-01.T1");
  for (const char* name :
       {"sub-01.txt", "sub-01.gz", "sub-01", ".nii", ".mgz", "sub-01.nii/", "nii", "._sub-01.nii.gz"})
    EXPECT_EQ(subject_of(name), "") << name;
}

}  // namespace
}  // namespace crossfade::data
