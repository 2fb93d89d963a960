// What is shipped beside the code agrees with it: the experiments, and the reference in docs/grid.md.
#include <gmock/gmock.h>

#include <cstdlib>
#include <sstream>

#include "runner/grid/keys.hpp"
#include "tests/runner/grid/grid_file.hpp"

namespace crossfade::runner {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kSource = CROSSFADE_SOURCE;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(GridDocs, TheReferenceIsUpToDate) {
  const std::filesystem::path page = kSource / "docs/grid.md";
  const std::string text = text_of(page), begin = "<!-- reference: begin -->\n", end = "<!-- reference: end -->\n";
  const std::size_t first = text.find(begin), last = text.find(end);
  ASSERT_NE(first, std::string::npos);
  ASSERT_NE(last, std::string::npos);
  const std::string wanted = text.substr(0, first) + begin + "\n" + grid_reference() + text.substr(last);
  if (std::getenv("CROSSFADE_WRITE_REFERENCE") != nullptr) std::ofstream(page) << wanted;
  EXPECT_EQ(text_of(page), wanted) << "run this test with CROSSFADE_WRITE_REFERENCE=1 to write docs/grid.md anew";
}

TEST(GridDocs, TheListedKeysAreTheValidOnes) {
  const auto listed = [](const auto& keys) {
    std::string all;
    for (const GridKey& key : keys) all += (all.empty() ? "" : ", ") + std::string(key.key);
    return "expected one of " + all;
  };
  EXPECT_THAT(refusal(kValidGrid + "zzzzzzzz: 1\n"), ::testing::EndsWith(listed(kRootKeys)));
  EXPECT_THAT(refusal(changed(kValidGrid, "seeds: [1]", "zzzzzzzz: 1")), ::testing::EndsWith(listed(kSettingsKeys)));
}

TEST(Readme, ShowsAValidGrid) {
  const std::string text = text_of(kSource / "README.md"), begin = "```yaml\n";
  const std::size_t first = text.find(begin);
  ASSERT_NE(first, std::string::npos);
  const std::size_t last = text.find("```", first + begin.size());
  ASSERT_NE(last, std::string::npos);
  EXPECT_EQ(study_of(text.substr(first + begin.size(), last - first - begin.size())).trials.size(), 6U);
}

TEST(Experiments, AreValidAndReadBackFromTheirStoredText) {
  struct Experiment {
    std::string name;
    std::size_t variants, seeds_or_folds;
  };
  const std::vector<Experiment> experiments = {{"schedule-sensitivity", 27, 2}, {"table1", 7, 2},
                                               {"table1-anatomy", 13, 2},       {"table1-paper", 7, 2},
                                               {"older-systems", 4, 1},         {"older-systems-anatomy", 5, 1},
                                               {"anatomy-sensitivity", 8, 1}};
  for (const auto& [name, variants, each] : experiments) {
    SCOPED_TRACE(name);
    const Study study = read_grid(kSource / "experiments" / (name + ".yaml"), {});
    EXPECT_EQ(study.name, name);
    std::vector<std::string> names;
    for (const TrialConfig& trial : study.trials)
      if (names.empty() || names.back() != trial.variant) names.push_back(trial.variant);
    EXPECT_EQ(names.size(), variants);
    EXPECT_GE(study.trials.size(), each * variants);
    const Study again = study_of(study.text);
    ASSERT_EQ(again.trials.size(), study.trials.size());
    for (std::size_t i = 0; i < study.trials.size(); ++i) EXPECT_EQ(to_json(again.trials[i]), to_json(study.trials[i]));
  }
}

TEST(Experiments, AskThePapersQuestion) {
  const Study study = read_grid(kSource / "experiments/table1.yaml", {"seeds=[1]"});
  std::vector<std::string> losses;
  for (const TrialConfig& trial : study.trials) losses.push_back(loss_label(trial.stages[0].loss));
  EXPECT_THAT(losses, ::testing::ElementsAre("Fixed (w-Dice)", "Fixed (w-CE)", "Fixed (w-CE + w-Dice)",
                                             "Scheduled (w-CE → w-CE + w-Dice → w-Dice)",
                                             "Scheduled (w-CE → w-CE + w-Dice → w-Dice)",  // its control
                                             "Fixed (w-CE + boundary + Dice)", "Fixed (w-CE + boundary + Dice)"));
}

TEST(Experiments, ThePapersNetIsThePapers) {
  const Study study = read_grid(kSource / "experiments/table1-paper.yaml", {});
  EXPECT_EQ(model_label(study.trials[0].model), "U-Net (width 64)");
  for (const auto& [name, cohort] : study.cohorts) EXPECT_EQ(data::cube_size(cohort), 256) << name;
  EXPECT_EQ(study.cohorts[0].second.split.train, 20);
  const data::SplitSpec& miccai = study.cohorts[1].second.split;  // 15 to train and choose by, 15 to test
  EXPECT_EQ(miccai.train + miccai.validation, 15);
  EXPECT_EQ(data::named_test_subjects(miccai).size(), 15U);
}

TEST(Experiments, ThePapersRowsAreThoseOfTheStudyOnAnatomies) {
  const Study anatomy = read_grid(kSource / "experiments/table1-anatomy.yaml", {});
  const Study paper = read_grid(kSource / "experiments/table1-paper.yaml", {});
  for (const TrialConfig& trial : paper.trials) {
    const auto twin = std::find_if(anatomy.trials.begin(), anatomy.trials.end(),
                                   [&](const TrialConfig& other) { return other.variant == trial.variant; });
    ASSERT_NE(twin, anatomy.trials.end()) << trial.variant;
    EXPECT_EQ(loss_label(twin->stages[0].loss), loss_label(trial.stages[0].loss)) << trial.variant;
    EXPECT_EQ(twin->stages.size(), trial.stages.size()) << trial.variant;
  }
}

}  // namespace
}  // namespace crossfade::runner
