// Trials that begin from what another has left end as if each had trained by itself.
#include "runner/trial/branches.hpp"

#include <gmock/gmock.h>
#include <torch/types.h>

#include <cmath>
#include <map>

#include "data/hash.hpp"
#include "runner/study/forest.hpp"
#include "runner/trial/checkpoint.hpp"
#include "runner/trial/stage_net.hpp"
#include "runner/trial/state.hpp"
#include "tests/device.hpp"
#include "tests/runner/trial/small_trial.hpp"
#include "tests/runner/world_of_one.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kSteps = 12;  // of small_trial(): 4 epochs of 3

schedules::Curve step(double at, double before, double after) {
  return {.shape = "step", .points = {{0.0, before}, {at, after}}};
}

TrialConfig scheduled(double first, double second) {
  TrialConfig config = small_trial();
  config.variant = std::to_string(first) + " " + std::to_string(second);
  config.stages[0].loss = {{"wce", step(second, 1, 0)}, {"wdice", step(first, 0, 1)}};
  return config;
}

struct TrainingRun {
  Heard heard;
  std::map<std::string, BranchOutcome> branches;
  std::vector<analysis::EpochRecord> epochs;  // all, in order
};

class Branches : public testing::Test {
 protected:
  Branches() { write_small_shards(folder_.path); }

  static std::string hash_of(const TrialConfig& config) { return data::sha256_hex(config.variant); }

  static std::vector<SharedStage> plan(const std::vector<TrialConfig>& trials) {
    std::vector<Path> paths;
    for (const TrialConfig& trial : trials)
      paths.push_back({.beginning = "one", .hash = hash_of(trial), .loss = trial.stages[0].loss, .steps = kSteps});
    return plan_forest(paths).stages;
  }

  TrainingRun run(const TrialConfig& config, const std::string& name, const std::vector<SharedStage>& shared = {},
                  int stop_after = -1, std::uintmax_t branch_bytes = 1'000'000'000) {
    TrainingRun result;
    TrialEvents events = result.heard.events(stop_after);
    events.branch_bytes = branch_bytes;
    events.on_branch = [&](const std::string& key, BranchOutcome outcome) {
      EXPECT_TRUE(result.branches.emplace(key, outcome).second) << "said once";
    };
    const TrialOutcome outcome = run_trial(config, {hash_of(config)}, open_small_shards(folder_.path), group_,
                                           folder_.path / name, events, shared);
    EXPECT_EQ(outcome, stop_after < 0 ? TrialOutcome::kFinished : TrialOutcome::kInterrupted);
    result.epochs = result.heard.again;
    for (const auto& epoch : result.heard.epochs) result.epochs.push_back(epoch);
    return result;
  }

  fs::path file(const std::string& name, const TrialConfig& config, const std::string& which) const {
    return stage_folder(folder_.path / name, hash_of(config)) / (which + ".safetensors");
  }

  /// Parameters, statistics, moments, scores and epochs, but for their seconds.
  void expect_as_alone(const TrialConfig& config, const TrainingRun& shared, const std::string& name) {
    const std::string alone_in = "alone " + config.variant;
    const TrainingRun alone = run(config, alone_in);
    for (const std::string which : {"best", "last"}) {
      const TensorFile expected = read_tensors(file(alone_in, config, which));
      const TensorFile found = read_tensors(file(name, config, which));
      ASSERT_EQ(found.tensors.size(), expected.tensors.size());
      for (const auto& [tensor, values] : expected.tensors)
        EXPECT_TRUE(torch::equal(values, found.tensor(tensor))) << which << " " << tensor;
    }
    EXPECT_EQ(read_tensors(file(name, config, "best")).metadata, read_tensors(file(alone_in, config, "best")).metadata);
    ASSERT_THAT(shared.heard.stages, SizeIs(1));
    EXPECT_EQ(shared.heard.stages[0].best_epoch, alone.heard.stages[0].best_epoch);
    EXPECT_EQ(shared.heard.stages[0].best_dice, alone.heard.stages[0].best_dice);
    EXPECT_EQ(shared.heard.stages[0].test[0].counts, alone.heard.stages[0].test[0].counts);
    ASSERT_EQ(shared.epochs.size(), alone.epochs.size());
    for (std::size_t e = 0; e < alone.epochs.size(); ++e) {
      const analysis::EpochRecord &found = shared.epochs[e], &expected = alone.epochs[e];
      EXPECT_EQ(found.epoch, expected.epoch);
      EXPECT_EQ(found.step, expected.step);
      EXPECT_EQ(found.loss, expected.loss);
      EXPECT_EQ(found.learning_rate, expected.learning_rate);
      EXPECT_EQ(found.gradient_norm, expected.gradient_norm);
      EXPECT_EQ(found.images, expected.images);
      EXPECT_EQ(found.validation.mean, expected.validation.mean);
      EXPECT_EQ(found.validation.pooled, expected.validation.pooled);
      ASSERT_EQ(found.terms.size(), expected.terms.size());
      for (std::size_t t = 0; t < expected.terms.size(); ++t) {
        EXPECT_EQ(found.terms[t].term, expected.terms[t].term);
        EXPECT_EQ(found.terms[t].value, expected.terms[t].value) << "epoch " << found.epoch;
        EXPECT_EQ(found.terms[t].weight, expected.terms[t].weight);
      }
    }
  }

  TemporaryFolder folder_;
  Group group_ = group_of_one(tests::device());
};

class BranchesAtAStep : public Branches, public testing::WithParamInterface<double> {};

// After 1, 6 and 8 of 12 steps: in the first epoch, at an epoch's end, within one.
INSTANTIATE_TEST_SUITE_P(Switches, BranchesAtAStep, testing::Values(0.05, 0.5, 0.6));

TEST_P(BranchesAtAStep, AreTakenOverBitForBit) {
  const TrialConfig early = scheduled(GetParam(), 0.9), late = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({early, late});
  const auto common = static_cast<std::size_t>(shared[0].branches.at(0).step);
  const TrainingRun first = run(early, "forest", {shared[0]}), second = run(late, "forest", {shared[1]});
  EXPECT_THAT(first.heard.steps, SizeIs(kSteps));
  EXPECT_THAT(second.heard.steps, SizeIs(kSteps - common));
  EXPECT_THAT(first.branches, ElementsAre(std::pair(shared[0].branches[0].key, BranchOutcome::kLeft)));
  EXPECT_THAT(second.branches, ElementsAre(std::pair(shared[0].branches[0].key, BranchOutcome::kLeft))) << "is there";
  expect_as_alone(early, first, "forest");
  expect_as_alone(late, second, "forest");

  const std::size_t whole = common / 3;
  ASSERT_THAT(second.heard.again, SizeIs(whole));
  for (const analysis::EpochRecord& epoch : second.heard.again)
    EXPECT_EQ(epoch.seconds_shared, epoch.seconds_train + epoch.seconds_validate);
  const double rest = second.heard.epochs.front().seconds_shared;
  EXPECT_EQ(rest > 0, common % 3 > 0) << "of the epoch that was begun";
  EXPECT_LE(rest, second.heard.epochs.front().seconds_train);
  for (const analysis::EpochRecord& epoch : first.epochs) EXPECT_EQ(epoch.seconds_shared, 0);
}

TEST_F(Branches, AreTakenOverByATrialThatIsInterruptedThereAndByOneBehindIt) {
  const TrialConfig a = scheduled(0.2, 0.9), b = scheduled(0.5, 0.9), c = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({a, b, c});
  run(a, "forest", {shared[0]});
  const TrainingRun broken = run(b, "forest", {shared[1]}, 0);
  EXPECT_THAT(broken.heard.steps, IsEmpty());
  const TrainingRun whole = run(b, "forest", {shared[1]});
  EXPECT_THAT(whole.heard.steps, SizeIs(kSteps - 3)) << "from where a left it, 3 of 12";
  const TrainingRun behind = run(c, "forest", {shared[2]});
  EXPECT_THAT(behind.heard.steps, SizeIs(kSteps - 6)) << "from where b left it";
  expect_as_alone(b, whole, "forest");
  expect_as_alone(c, behind, "forest");
  for (const analysis::EpochRecord& epoch : behind.heard.again)
    EXPECT_EQ(epoch.seconds_shared, epoch.seconds_train + epoch.seconds_validate) << "those that a spent, too";
}

// As where a trial failed, or was run for a while by itself, before another one came further on the same way.
TEST_F(Branches, ThatAreFurtherThanItsOwnLastAreGoneOnFrom) {
  const TrialConfig a = scheduled(0.5, 0.9), b = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({a, b});
  ASSERT_EQ(shared[0].branches.at(0).step, 6);
  run(b, "forest", {shared[1]}, 4);
  run(a, "forest", {shared[0]});
  const TrainingRun second = run(b, "forest", {shared[1]});
  EXPECT_THAT(second.heard.steps, SizeIs(kSteps - 6)) << "from where a left it, 6 of 12, and not from its own 4";
  expect_as_alone(b, second, "forest");

  run(b, "further", {shared[1]}, 8);
  run(a, "further", {shared[0]});
  EXPECT_THAT(run(b, "further", {shared[1]}).heard.steps, SizeIs(kSteps - 8)) << "its own last is further";
}

// It joins at step 8, within the third epoch, of which only the weight is known.
TEST_F(Branches, HaveTheWeightOfATermThatNobodyEvaluated) {
  TrialConfig fixed = small_trial();
  fixed.variant = "fixed";
  fixed.stages[0].loss = {{"wce", schedules::constant(1)}};
  const TrialConfig late = scheduled(0.6, 0.9);
  std::vector<SharedStage> shared = plan({fixed, late});
  ASSERT_EQ(shared[0].branches.at(0).step, 8);
  shared[0].terms.clear();
  run(fixed, "forest", {shared[0]});
  const TrainingRun joined = run(late, "forest", {shared[1]}), alone = run(late, "alone");
  ASSERT_THAT(joined.epochs, SizeIs(4));
  for (std::size_t e = 0; e < 4; ++e) EXPECT_EQ(joined.epochs[e].terms[1].weight, alone.epochs[e].terms[1].weight) << e;
  EXPECT_EQ(joined.epochs[2].terms[1].weight, 1);
  EXPECT_TRUE(std::isnan(joined.epochs[2].terms[1].value));
}

TEST_F(Branches, ThatAreDamagedArePassedAndWrittenAnew) {
  const TrialConfig a = scheduled(0.2, 0.9), b = scheduled(0.5, 0.9), c = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({a, b, c});
  run(a, "forest", {shared[0]});
  run(b, "forest", {shared[1]});
  const fs::path left = branch_file(folder_.path / "forest", shared[2].branches.at(1).key);
  fs::resize_file(left, 10);
  const TrainingRun behind = run(c, "forest", {shared[2]});
  EXPECT_THAT(behind.heard.steps, SizeIs(kSteps - 3)) << "from where a left it, as it can't be from where b did";
  EXPECT_THAT(behind.heard.warnings, ElementsAre(HasSubstr("branch " + left.string() + " can't be begun from")));
  expect_as_alone(c, behind, "forest");
  EXPECT_EQ(read_metadata(left).text("trial"), shared[2].branches[1].key);
}

TEST_F(Branches, HaveTheTermsOfThoseThatWereKnownAndNoOthers) {
  TrialConfig fixed = small_trial();
  fixed.variant = "fixed";
  fixed.stages[0].loss = {{"wce", schedules::constant(1)}};
  const TrialConfig late = scheduled(0.5, 0.9);
  const std::vector<SharedStage> shared = plan({fixed, late});
  ASSERT_THAT(shared[0].terms, ElementsAre("wdice"));
  const TrainingRun first = run(fixed, "forest", {shared[0]}), second = run(late, "forest", {shared[1]});
  expect_as_alone(fixed, first, "forest");
  expect_as_alone(late, second, "forest");

  SharedStage of_a_stranger = shared[0];
  of_a_stranger.terms.clear();
  run(fixed, "unknown", {of_a_stranger});
  const TrainingRun joined = run(late, "unknown", {shared[1]});
  ASSERT_THAT(joined.epochs, SizeIs(4));
  for (const std::size_t e : {0U, 1U}) {
    EXPECT_EQ(joined.epochs[e].terms[0].value, second.epochs[e].terms[0].value);
    EXPECT_TRUE(std::isnan(joined.epochs[e].terms[1].value)) << "nobody evaluated it";
    EXPECT_EQ(joined.epochs[e].terms[1].weight, 0);
  }
  EXPECT_EQ(joined.epochs[2].terms[1].value, second.epochs[2].terms[1].value);
}

/// Learns so little that the first epoch stays the best, and ends with patience.
TrialConfig without_patience_for(double switch_at) {
  TrialConfig config = small_trial();
  config.variant = "patient until " + std::to_string(switch_at);
  config.model.norm = "none";  // whose statistics would move
  config.stages[0].optimizer.lr = 1e-12;
  config.stages[0].optimizer.lr_schedule = "constant";
  config.stages[0].patience = 1;
  config.stages[0].loss = {{"wce", schedules::constant(1)}};
  if (switch_at < 1) config.stages[0].loss.push_back({"wdice", step(switch_at, 0, 1)});
  return config;
}

TEST_F(Branches, ATrialWhosePatienceRunsOutOnTheWayLeavesWhatThereIs) {
  const TrialConfig fixed = without_patience_for(1), late = without_patience_for(0.75);
  const std::vector<SharedStage> shared = plan({fixed, late});
  const TrainingRun first = run(fixed, "forest", {shared[0]});
  ASSERT_THAT(first.epochs, SizeIs(2));
  const std::string key = shared[0].branches.at(0).key;
  EXPECT_THAT(first.branches, ElementsAre(std::pair(key, BranchOutcome::kLeftEarly)));
  EXPECT_EQ(steps_of_branch(folder_.path / "forest", key), 6) << "of the 9 up to the branch";
  const TrainingRun second = run(late, "forest", {shared[1]});
  EXPECT_THAT(second.branches, ElementsAre(std::pair(key, BranchOutcome::kLeft)));
  EXPECT_EQ(steps_of_branch(folder_.path / "forest", key), 9);
  EXPECT_THAT(second.heard.again, SizeIs(2));
  EXPECT_THAT(second.epochs, SizeIs(4));
  expect_as_alone(fixed, first, "forest");
  expect_as_alone(late, second, "forest");
}

TEST_F(Branches, ATrialEndsWhereItsOwnPatienceRanOutBeforeTheBranch) {
  const TrialConfig fixed = without_patience_for(1), late = without_patience_for(0.75);
  const std::vector<SharedStage> shared = plan({fixed, late});
  const TrainingRun first = run(late, "forest", {shared[1]});
  const TrainingRun second = run(fixed, "forest", {shared[0]});
  EXPECT_THAT(second.heard.steps, IsEmpty());
  EXPECT_THAT(second.epochs, SizeIs(2)) << "as many as it would have trained by itself";
  const TrainingRun alone = run(fixed, "alone");
  EXPECT_EQ(second.heard.stages[0].best_epoch, alone.heard.stages[0].best_epoch);
  EXPECT_EQ(second.heard.stages[0].test[0].counts, alone.heard.stages[0].test[0].counts);
  for (const auto& [name, values] : read_tensors(file("alone", fixed, "best")).tensors)
    EXPECT_TRUE(torch::equal(values, read_tensors(file("forest", fixed, "best")).tensor(name))) << name;
}

TEST_F(Branches, ThatDoNotFitAreTrainedAgain) {
  const TrialConfig early = scheduled(0.5, 0.9), late = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({early, late});
  const TrainingRun first = run(early, "forest", {shared[0]}, -1, 1000), second = run(late, "forest", {shared[1]});
  EXPECT_THAT(first.branches, ElementsAre(std::pair(shared[0].branches[0].key, BranchOutcome::kPassed)));
  EXPECT_THAT(first.heard.warnings, ElementsAre(HasSubstr("run.branches_gb is full")));
  EXPECT_EQ(bytes_of_branches(folder_.path / "forest"),
            fs::file_size(branch_file(folder_.path / "forest", shared[0].branches[0].key)) +
                fs::file_size(branch_best(folder_.path / "forest", shared[0].branches[0].key)))
      << "which the second trial left";
  EXPECT_THAT(second.heard.steps, SizeIs(kSteps));
  drop_branch(folder_.path / "forest", shared[0].branches[0].key);
  EXPECT_EQ(bytes_of_branches(folder_.path / "forest"), 0);
}

/// A best net as it would be after the third epoch.
void put_ahead(const fs::path& best) {
  TensorFile net = read_tensors(best);
  Position position = position_from_json(net.text("position"));
  position.best_epoch = position.epoch = 3;
  net.metadata["position"] = to_json(position);
  write_tensors(best, net);
}

// A run is killed between the writing of an epoch's best net and that of its last: the branch within this epoch has the
// best net of before.
TEST_F(Branches, AreNotLeftWithABestNetFromBehindThem) {
  const TrialConfig early = scheduled(0.6, 0.9), late = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({early, late});
  ASSERT_EQ(shared[0].branches.at(0).step, 8) << "within the third epoch";
  run(early, "forest", {shared[0]}, 7);  // to within the third epoch
  put_ahead(file("forest", early, "best"));
  const TrainingRun first = run(early, "forest", {shared[0]});
  EXPECT_THAT(first.branches, ElementsAre(std::pair(shared[0].branches[0].key, BranchOutcome::kPassed)));
  EXPECT_FALSE(fs::exists(branch_file(folder_.path / "forest", shared[0].branches[0].key)));
  const TrainingRun second = run(late, "forest", {shared[1]});
  EXPECT_THAT(second.heard.steps, SizeIs(kSteps));
  expect_as_alone(late, second, "forest");
}

// A killed run comes through a branch again that it has left: what is there stays, whatever the budget.
TEST_F(Branches, ThatAreThereStayAsTheyAre) {
  const TrialConfig early = scheduled(0.6, 0.9), late = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({early, late});
  const std::string key = shared[0].branches.at(0).key;
  const fs::path branch = branch_file(folder_.path / "forest", key), last = file("forest", early, "last");
  run(early, "forest", {shared[0]}, 7);
  fs::copy_file(last, folder_ / "before");
  run(early, "forest", {shared[0]});
  const auto written = fs::last_write_time(branch);
  fs::copy_file(folder_ / "before", last, fs::copy_options::overwrite_existing);
  const TrainingRun again = run(early, "forest", {shared[0]}, -1, 1000);
  EXPECT_THAT(again.branches, ElementsAre(std::pair(key, BranchOutcome::kLeft)));
  EXPECT_EQ(fs::last_write_time(branch), written);
  const TrainingRun second = run(late, "forest", {shared[1]});
  EXPECT_THAT(second.heard.steps, SizeIs(kSteps - 8));
  expect_as_alone(late, second, "forest");
}

// A run is killed when the last of an epoch is written and the branch at its end is not, or its best net alone.
TEST_F(Branches, ThatAKilledRunHadStillToLeaveAreLeftByTheNext) {
  const TrialConfig early = scheduled(0.5, 0.9), late = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({early, late});
  ASSERT_EQ(shared[0].branches.at(0).step, 6) << "the end of the second epoch";
  run(early, "forest", {shared[0]}, 7);
  const fs::path branch = branch_file(folder_.path / "forest", shared[0].branches[0].key);
  TensorFile last = read_tensors(branch);
  last.metadata["trial"] = hash_of(early);
  write_tensors(file("forest", early, "last"), last);
  ASSERT_TRUE(fs::remove(branch));
  const TrainingRun first = run(early, "forest", {shared[0]});
  EXPECT_THAT(first.branches, ElementsAre(std::pair(shared[0].branches[0].key, BranchOutcome::kLeft)));
  EXPECT_TRUE(fs::exists(branch));
  const TrainingRun second = run(late, "forest", {shared[1]});
  EXPECT_THAT(second.heard.steps, SizeIs(kSteps - 6));
  expect_as_alone(early, first, "forest");
  expect_as_alone(late, second, "forest");
}

TEST_F(Branches, WhereAPatienceEndedAreLeftByTheNextRunAndReplacedByThatOfATrialThatComesFurther) {
  const TrialConfig fixed = without_patience_for(1), late = without_patience_for(0.75),
                    later = without_patience_for(0.9);
  const std::vector<SharedStage> shared = plan({fixed, late, later});
  const std::string key = shared[0].branches.at(0).key;
  ASSERT_EQ(shared[0].branches[0].step, 9);
  const fs::path branch = branch_file(folder_.path / "forest", key);
  ASSERT_THAT(run(fixed, "forest", {shared[0]}).epochs, SizeIs(2));
  ASSERT_TRUE(fs::remove(branch));  // as if it had been killed before
  run(fixed, "forest", {shared[0]});
  ASSERT_TRUE(fs::exists(branch));
  EXPECT_EQ(position_from_json(read_tensors(branch).text("position")).epoch, 2);
  const TrainingRun second = run(late, "forest", {shared[1]});
  EXPECT_THAT(second.heard.steps, SizeIs(kSteps - 6));
  EXPECT_EQ(position_from_json(read_tensors(branch).text("position")).epoch, 3) << "further on the same way";
  const TrainingRun third = run(later, "forest", {shared[2]});
  EXPECT_THAT(third.heard.steps, SizeIs(kSteps - 9));
  expect_as_alone(late, second, "forest");
  expect_as_alone(later, third, "forest");
}

// A branch whose best net is of a later epoch, as programs before this one could leave it.
TEST_F(Branches, WithABestNetFromBehindThemAreNotTakenOver) {
  const TrialConfig early = scheduled(0.6, 0.9), late = scheduled(0.8, 0.9);
  const std::vector<SharedStage> shared = plan({early, late});
  run(early, "forest", {shared[0]});
  put_ahead(branch_best(folder_.path / "forest", shared[0].branches.at(0).key));
  const TrainingRun second = run(late, "forest", {shared[1]});
  EXPECT_THAT(second.heard.steps, SizeIs(kSteps));
  expect_as_alone(late, second, "forest");
}

TEST_F(Branches, OfOthersAreNotDroppedByTheKeyOfAStage) {
  const TrialConfig config = scheduled(0.5, 0.9);
  run(config, "forest");
  drop_branch(folder_.path / "forest", hash_of(config));
  EXPECT_TRUE(fs::exists(file("forest", config, "best")));
}

}  // namespace
}  // namespace crossfade::runner
