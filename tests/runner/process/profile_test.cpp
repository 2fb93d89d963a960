#include "runner/process/profile.hpp"

#include <ATen/record_function.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

/// The rest of an epoch of `steps` from step `first` on, each a range with its number.
void train_epoch(StepProfile& profile, int first, int steps) {
  ProfiledEpoch epoch(&profile);
  for (int step = first; step <= steps + 1; ++step) {
    epoch.begin_step(steps + 1 - step);
    RECORD_USER_SCOPE(std::to_string(step));  // that of steps + 1 belongs to none
  }
}

/// The numbers of the steps in a trace.
std::multiset<int> steps_in(const fs::path& file) {
  std::ifstream in(file);
  const auto trace = nlohmann::json::parse(in);
  std::multiset<int> steps;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.value("cat", "") == "user_annotation") steps.insert(std::stoi(event.at("name").get<std::string>()));
  }
  return steps;
}

struct Steps {
  int first, of;
  std::multiset<int> recorded;
};

class StepProfileOf : public testing::TestWithParam<Steps> {};

TEST_P(StepProfileOf, RecordsTheStepsBehindTheWarmUp) {
  const TemporaryFolder folder;
  const fs::path file = folder / "trace.json";
  std::ofstream(file) << "an older trace";
  StepProfile profile(file, /*gpu=*/false);
  train_epoch(profile, GetParam().of + 1, GetParam().of);  // has no step left, as after an interruption
  EXPECT_EQ(profile.steps(), 0);
  train_epoch(profile, GetParam().first, GetParam().of);
  train_epoch(profile, 1, 100);  // the next epoch is not recorded any more
  EXPECT_EQ(profile.error(), "");
  EXPECT_EQ(steps_in(file), GetParam().recorded);
  EXPECT_EQ(profile.steps(), static_cast<int>(GetParam().recorded.size()));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), {}), 1) << "nothing is left beside it";
}

INSTANTIATE_TEST_SUITE_P(Epochs, StepProfileOf,
                         testing::Values(Steps{1, 12, {6, 7, 8, 9, 10}}, Steps{1, 10, {6, 7, 8, 9, 10}},
                                         Steps{1, 7, {3, 4, 5, 6, 7}}, Steps{1, 2, {1, 2}},
                                         Steps{4, 20, {9, 10, 11, 12, 13}}));

TEST(StepProfile, WritesWhatThereIsWhereAnEpochBreaksOff) {
  const TemporaryFolder folder;
  StepProfile profile(folder / "trace.json", false);
  {
    ProfiledEpoch epoch(&profile);
    for (int step = 1; step <= 7; ++step) {
      epoch.begin_step(21 - step);
      RECORD_USER_SCOPE(std::to_string(step));
    }
  }
  EXPECT_EQ(steps_in(folder / "trace.json"), (std::multiset<int>{6, 7}));
}

TEST(StepProfile, SaysWhyItCouldNotWriteAndGoesOn) {
  const TemporaryFolder folder;
  StepProfile profile(folder / "gone" / "trace.json", false);
  train_epoch(profile, 1, 3);
  EXPECT_THAT(profile.error(), HasSubstr("--profile: cannot write " + (folder / "gone" / "trace.json").string()));
  EXPECT_EQ(profile.steps(), 0);
}

TEST(ProfilePath, IsRefusedWhereNoFileCanBeMade) {
  const TemporaryFolder folder;
  require_profile_path(folder / "a" / "b" / "trace.json");
  EXPECT_TRUE(fs::is_empty(folder / "a" / "b")) << "only its folder is made";
  EXPECT_THAT(error_of([&] { require_profile_path(folder.path); }), HasSubstr("Is a directory"));
  EXPECT_THAT(error_of([&] { require_profile_path("/dev/null"); }), HasSubstr("no regular file"));
  std::ofstream(folder / "notes");
  EXPECT_THAT(error_of([&] { require_profile_path(folder / "notes" / "trace.json"); }), HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace crossfade::runner
