#include "data/publish.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_below(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.insert(entry.path().filename().string());
  return names;
}

TEST(Publish, LeftoversOfKilledWritersAreRemovedAndNothingElse) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path / "one");
  const auto name = [](const fs::path& target) { return Partial(target).path(); };  // with nobody left to remove it
  std::ofstream(name(folder.path / "a.h5")) << "half";
  std::ofstream(name(folder.path / "one/best.safetensors")) << "half";
  const std::set<std::string> others = {"a.h5", "notes.partial", "a.h5.0123456789abcde.partial",
                                        "a.h5.0123456789ABCDEF.partial", "0123456789abcdef.partial"};
  for (const std::string& name : others) std::ofstream(folder.path / name) << "whole";
  ASSERT_EQ(names_below(folder.path).size(), others.size() + 2);
  remove_partials(folder.path);
  EXPECT_EQ(names_below(folder.path / "one").size(), 1u) << "below, another writer may be at work";
  remove_partials(folder.path / "one");
  EXPECT_EQ(names_below(folder.path), others);
  remove_partials(folder.path / "none");
}

TEST(Publish, AFileThatCannotTakeItsPlaceLeavesNothingBeside) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path / "taken" / "by a folder");
  EXPECT_THROW(write_whole(folder.path / "taken", "text"), std::runtime_error);
  EXPECT_THAT(names_below(folder.path), testing::IsEmpty());
  {
    Partial map(folder.path / "taken", ".nii.gz");
    std::ofstream(map.path()) << "voxels";
    EXPECT_EQ(names_below(folder.path), std::set{map.path().filename().string()});
    EXPECT_THROW(map.publish(), std::runtime_error);
  }
  EXPECT_THAT(names_below(folder.path), testing::IsEmpty());
  write_whole(folder.path / "free", "text");
  EXPECT_THAT(names_below(folder.path), testing::ElementsAre("free"));
}

}  // namespace
}  // namespace crossfade::data
