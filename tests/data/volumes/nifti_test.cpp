#include "data/volumes/nifti.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
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

/// As on a disk that is full: no file grows beyond so many bytes while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

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

TEST_F(Nifti, WrittenOnAFullDiskIsRefusedByNameAndLeavesWhatWasThere) {
  const fs::path place = folder_ / "full";
  fs::create_directory(place);
  const Volume<std::int32_t> before = read_label_map(numbered(0));
  // Ids that do not pack: 4 bytes each, 32,000 in all, of which 4,096 find room.
  Volume<std::int32_t> large{{{20, 20, 20}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}}, {}};
  std::mt19937 random(3);
  for (int v = 0; v < 8000; ++v) large.voxels.push_back(static_cast<std::int32_t>(random() >> 1U));
  for (const char* name : {"a.nii", "a.nii.gz"}) {
    write_label_map(place / name, before);
    const auto refusal = [&] {
      const FileSizeLimit limit(4096);
      return error_of([&] { write_label_map(place / name, large); });
    }();
    EXPECT_EQ(refusal, (place / name).string() + ": cannot be written whole: is the disk full?");
    EXPECT_EQ(read_label_map(place / name).voxels, before.voxels) << name;
    write_label_map(place / (std::string("whole-") + name), large);
    EXPECT_EQ(read_label_map(place / (std::string("whole-") + name)).voxels, large.voxels) << name;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(place), fs::directory_iterator()), 4) << "nothing is left beside";
}

}  // namespace
}  // namespace crossfade::data
