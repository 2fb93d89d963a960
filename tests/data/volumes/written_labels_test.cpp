// Label maps as they are written, read by nibabel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "data/volumes/image.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

using testing::HasSubstr;

int python(const char* verb, const TemporaryFolder& folder) {
  const std::string command = std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/written_labels.py " + verb +
                              " " + folder.path.string();
  return std::system(command.c_str());
}

TEST(WrittenLabels, AreOnTheirOwnGridInTheSmallestTypeThatHoldsTheirIds) {
  const TemporaryFolder folder;
  ASSERT_EQ(python("write", folder), 0);
  for (int n = 0; n < 48; ++n) {
    const std::string number = std::to_string(n);
    const ReadVolume<std::int32_t> labels = read_labels(folder / (number + ".nii"));
    for (const char* ending : {".nii", ".nii.gz", ".mgz", ".mgh"}) {
      const std::filesystem::path file = folder / (number + ".back" + ending);
      write_labels(file, labels);
      const ReadVolume<std::int32_t> back = read_labels(file);
      EXPECT_EQ(back.voxels, labels.voxels) << file;
      EXPECT_LT(corners_apart_mm(back.geometry, labels.geometry), 1e-4) << file;  // float32 over 40 mm
    }
  }
  EXPECT_EQ(python("check", folder), 0);
  const auto files = std::distance(std::filesystem::directory_iterator(folder.path), {});
  EXPECT_EQ(files, 48 * 5);  // nothing is left beside them
}

TEST(WrittenLabels, AreRefusedByNameWhereTheyCannotBeWritten) {
  const TemporaryFolder folder;
  const Volume<std::int32_t> labels{{{1, 1, 1}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}}, {3}};
  for (const char* name : {"no-such-folder/a.nii.gz", "no-such-folder/a.mgz", "no-such-folder/a.png"})
    EXPECT_THAT(error_of([&] { write_labels(folder / name, labels); }), HasSubstr(name));
  for (const char* name : {"a.hdr", "a.tif", "a"})
    EXPECT_THAT(error_of([&] { write_labels(folder / name, labels); }), HasSubstr(name));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path));
}

}  // namespace
}  // namespace crossfade::data
