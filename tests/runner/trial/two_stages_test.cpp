// What the stages of a trial hand on to one another.
#include <gmock/gmock.h>
#include <torch/types.h>

#include <filesystem>
#include <string>
#include <tuple>

#include "tests/runner/trial/trial_of_one_rank.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

class TrialOfTwoStages : public TrialOfOneRank {
 protected:
  TrialOfTwoStages() {
    config_.stages.push_back(config_.stages[0]);
    config_.stages[0].epochs = 3;
    config_.stages[1].name = "finetune";
    config_.stages[1].epochs = 1;
    config_.stages[0].optimizer.lr = 3e-3;
  }

  TrialOutcome run_both(const std::string& name, Heard& heard, int stop_after = -1,
                        const std::string& second = "second") {
    auto stages = open_small_shards(folder_.path);
    stages.push_back(std::move(open_small_shards(folder_.path)[0]));
    return run_trial(config_, {"first", second}, stages, group_, folder_.path / name, heard.events(stop_after));
  }

  fs::path file(const std::string& name, const std::string& stage, const std::string& which = "last") const {
    return folder_.path / name / stage / (which + ".safetensors");
  }

  TrialConfig config_ = small_trial();
};

TEST_F(TrialOfTwoStages, StartsTheSecondFromTheBestNetOfTheFirst) {
  Heard whole, before, after;
  run_both("whole", whole);
  ASSERT_EQ(whole.stages.size(), 2U);
  EXPECT_EQ(whole.epochs.back().stage, 1);
  EXPECT_EQ(whole.stages[1].best_epoch, 1);
  EXPECT_LT(whole.stages[0].best_epoch, config_.stages[0].epochs) << "else the best is the last, and tells nothing";
  // Interrupted after the first stage's 9 steps and one of the second.
  ASSERT_EQ(run_both("parts", before, 10), TrialOutcome::kInterrupted);
  run_both("parts", after);
  expect_same_tensors(file("whole", "second"), file("parts", "second"));
  EXPECT_EQ(before.stages.size(), 1U);
  ASSERT_EQ(after.stages.size(), 2U) << "the first says its result again";
  EXPECT_EQ(after.stages[0].best_epoch, before.stages[0].best_epoch);
  EXPECT_EQ(after.stages[0].best_dice, before.stages[0].best_dice);
  EXPECT_EQ(after.stages[0].test[0].counts, before.stages[0].test[0].counts);
  // With steps of next to nothing, the second stage ends with the parameters that it began with: the best of the first.
  config_.stages[1].optimizer.lr = 1e-12;
  Heard still;
  run_both("still", still);
  const TensorFile best = read_tensors(file("still", "first", "best")), end = read_tensors(file("still", "second"));
  for (const auto& [name, tensor] : best.tensors) {
    if (name.find("running") == std::string::npos) {
      EXPECT_TRUE(torch::allclose(tensor, end.tensor(name), 0, 1e-7)) << name;
    }
  }
}

TEST_F(TrialOfTwoStages, SharesAFirstStageThatAnotherTrialHasTrained) {
  Heard first, second, alone;
  run_both("shared", first);
  config_.stages[1].optimizer.lr = 1e-3;
  run_both("shared", second, -1, "another second");
  EXPECT_EQ(first.steps.size(), 12U);
  EXPECT_EQ(second.steps.size(), 3U) << "the second stage alone";
  run_both("alone", alone, -1, "another second");
  ASSERT_EQ(second.stages.size(), 2U) << "the first is scored again, for the tables";
  for (std::size_t s = 0; s < 2; ++s) {
    EXPECT_EQ(second.stages[s].best_dice, alone.stages[s].best_dice);
    EXPECT_EQ(second.stages[s].test[0].counts, alone.stages[s].test[0].counts);
  }
  expect_same_tensors(file("shared", "another second"), file("alone", "another second"));
}

TEST_F(TrialOfTwoStages, IsInterruptedWhileItScoresTheFirstAgain) {
  Heard whole, before, scoring, after;
  run_both("whole", whole);
  ASSERT_EQ(run_both("parts", before, 10), TrialOutcome::kInterrupted);
  ASSERT_EQ(run_both("parts", scoring, 0), TrialOutcome::kInterrupted) << "asked before the first volume";
  EXPECT_TRUE(scoring.steps.empty() && scoring.stages.empty());
  EXPECT_EQ(run_both("parts", after), TrialOutcome::kFinished);
  expect_same_tensors(file("whole", "second"), file("parts", "second"));
  ASSERT_EQ(after.stages.size(), 2U);
  EXPECT_EQ(after.stages[1].test[0].counts, whole.stages[1].test[0].counts);
}

// As where --no-share, which gives the first stage another hash, is added to the command of a study that was broken
// off.
TEST_F(TrialOfTwoStages, TrainsAFirstStageAgainThatIsNoLongerThere) {
  Heard whole, before, after;
  run_both("whole", whole);
  ASSERT_EQ(run_both("parts", before, 10), TrialOutcome::kInterrupted);
  fs::remove_all(folder_.path / "parts" / "first");
  EXPECT_EQ(run_both("parts", after), TrialOutcome::kFinished);
  EXPECT_EQ(after.steps.size(), 12U);
  expect_same_tensors(file("whole", "second"), file("parts", "second"));
  ASSERT_EQ(after.stages.size(), 2U);
  EXPECT_EQ(after.stages[1].test[0].counts, whole.stages[1].test[0].counts);
}

TEST_F(TrialOfTwoStages, SaysAgainWhatItsCheckpointsHaveBehindThem) {
  Heard before, after, finished;
  run_both("a", before, 11);  // within the second stage
  run_both("a", after);
  EXPECT_THAT(before.again, IsEmpty());
  EXPECT_EQ(after.again.size(), 3U);
  run_both("a", finished);
  EXPECT_THAT(finished.epochs, IsEmpty());
  std::vector<analysis::EpochRecord> trained = before.epochs;
  trained.insert(trained.end(), after.epochs.begin(), after.epochs.end());
  ASSERT_EQ(trained.size(), 4U);
  ASSERT_EQ(finished.again.size(), 4U);
  for (std::size_t e = 0; e < 4; ++e) {
    const analysis::EpochRecord &a = finished.again[e], &b = trained[e];
    EXPECT_EQ(std::tie(a.stage, a.epoch, a.step, a.loss, a.learning_rate, a.gradient_norm, a.images, a.seconds_train),
              std::tie(b.stage, b.epoch, b.step, b.loss, b.learning_rate, b.gradient_norm, b.images, b.seconds_train));
    EXPECT_EQ(a.terms[0].value, b.terms[0].value);
    EXPECT_EQ(a.validation.mean, b.validation.mean);
    EXPECT_EQ(a.validation.pooled, b.validation.pooled);
  }
}

TEST_F(TrialOfTwoStages, TrainsEachWithItsOwnLoss) {
  config_.stages[1].loss = {{"dice", schedules::constant(2)}};
  Heard heard;
  run_both("a", heard);
  ASSERT_EQ(heard.epochs.size(), 4U);
  EXPECT_EQ(heard.epochs[2].terms.size(), 2U);
  ASSERT_EQ(heard.epochs[3].terms.size(), 1U);
  EXPECT_EQ(heard.epochs[3].terms[0].term, "dice");
  EXPECT_NEAR(heard.epochs[3].loss, 2 * heard.epochs[3].terms[0].value, 1e-6);
}

}  // namespace
}  // namespace crossfade::runner
