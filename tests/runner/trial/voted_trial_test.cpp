#include "runner/trial/voted_trial.hpp"

#include <gmock/gmock.h>
#include <torch/types.h>

#include "data/shards/plane.hpp"
#include "data/shards/turned_shard.hpp"
#include "runner/evaluation/evaluator.hpp"
#include "runner/evaluation/vote.hpp"
#include "runner/grid/views.hpp"
#include "runner/trial/state.hpp"
#include "runner/trial/trainer.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/device.hpp"
#include "tests/runner/trial/small_trial.hpp"
#include "tests/runner/world_of_one.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class VotedTrial : public testing::Test {
 protected:
  VotedTrial() {
    constexpr int kSlices = 8;  // a side that the net can halve twice
    for (const auto plane : data::kPlanes) fs::create_directories(folder_.path / plane);
    write_small_shards(folder_.path / "axial", kSlices);
    for (const auto plane : {"coronal", "sagittal"})
      data::turn_shards(folder_.path / "axial", {"train-1", "train-2", "train-3", "validation", "test"},
                        folder_.path / plane, plane);
    config_.views = {.axial = 0.4, .coronal = 0.4, .sagittal = 0.2};
    config_.stages[0].epochs = 2;
  }

  std::vector<std::vector<StageData>> open() const {
    std::vector<std::vector<StageData>> planes;
    for (const auto plane : data::kPlanes) planes.push_back(open_small_shards(folder_.path / plane));
    return planes;
  }
  TrialOutcome run(Heard& heard, int stop_after = -1) {
    return run_views(config_, {"axial", "coronal", "sagittal", "vote"}, open(), group_, folder_.path / "nets",
                     heard.events(stop_after));
  }

  TemporaryFolder folder_;
  Group group_ = group_of_one(tests::device());
  TrialConfig config_ = small_trial();
};

TEST_F(VotedTrial, TrainsANetAPlaneAndScoresTheirVote) {
  Heard heard;
  ASSERT_EQ(run(heard), TrialOutcome::kFinished);
  std::vector<int> epochs, stages;
  for (const auto& epoch : heard.epochs) epochs.push_back(epoch.stage);
  for (const auto& stage : heard.stages) stages.push_back(stage.stage);
  EXPECT_THAT(epochs, ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(stages, ElementsAre(0, 1, 2, 3));

  const auto planes = open();
  std::vector<std::shared_ptr<model::Network>> nets;
  std::vector<Voter> voters;
  const auto views = views_of(config_.views);
  for (std::size_t v = 0; v < 3; ++v) {
    nets.push_back(load_network(folder_.path / "nets" / views[v].plane / "best.safetensors"));
    place_network(*nets[v], group_.device());
    voters.push_back({*nets[v], planes[v][0].test[0], views[v].weight});
  }
  const auto truth = block_shard("test", 5, 8).labels;
  const analysis::StageResult& result = heard.stages[3];
  EXPECT_EQ(result.test.at(0).subject, "test");
  EXPECT_EQ(result.test[0].counts, analysis::count(truth, vote(voters, group_.device(), 5), 28));
  EXPECT_EQ(result.best_dice, analysis::mean_over_subjects(result.validation));
  EXPECT_EQ(result.surfaces.size(), 1U);
  EXPECT_NE(result.test[0].counts, heard.stages[0].test[0].counts);
}

TEST_F(VotedTrial, TakesTheAxialNetOfAPlainTrial) {
  TrialConfig plain = config_;
  plain.views = {};
  Heard alone, heard;
  ASSERT_EQ(run_trial(plain, {"axial"}, open()[0], group_, folder_.path / "nets", alone.events()),
            TrialOutcome::kFinished);
  ASSERT_EQ(run(heard), TrialOutcome::kFinished);
  EXPECT_EQ(heard.epochs.front().stage, 1) << "the axial net is there";
  ASSERT_EQ(heard.again.size(), 2U);
  for (const analysis::EpochRecord& epoch : heard.again)
    EXPECT_EQ(epoch.seconds_shared, epoch.seconds_train + epoch.seconds_validate) << "the plain trial's";
  EXPECT_EQ(heard.stages.front().test[0].counts, alone.stages.front().test[0].counts);
}

TEST_F(VotedTrial, InterruptedInTheSecondPlaneEndsAsIfNothingHadHappened) {
  Heard whole;
  ASSERT_EQ(run(whole), TrialOutcome::kFinished);
  fs::remove_all(folder_.path / "nets");
  const auto axial_steps =
      static_cast<std::size_t>(2 * std::ranges::count(whole.epochs, 0, &analysis::EpochRecord::stage));
  Heard before, after;
  ASSERT_EQ(run(before, static_cast<int>(axial_steps + 3)), TrialOutcome::kInterrupted);
  ASSERT_EQ(run(after), TrialOutcome::kFinished);
  for (std::size_t s = 0; s < 4; ++s) EXPECT_EQ(after.stages.at(s).test[0].counts, whole.stages.at(s).test[0].counts);
}

TEST_F(VotedTrial, InterruptedInTheVoteVotesAgain) {
  Heard whole;
  ASSERT_EQ(run(whole), TrialOutcome::kFinished);
  EXPECT_GT(whole.stages.at(3).seconds_score, 0);
  for (const int stop_at : {1, 2}) {  // asked before the vote, then before a volume of validation and one of the test
    Heard heard;
    TrialEvents events = heard.events();
    events.stop_requested = [&, asked = 0]() mutable { return heard.stages.size() == 3 && asked++ == stop_at; };
    ASSERT_EQ(
        run_views(config_, {"axial", "coronal", "sagittal", "vote"}, open(), group_, folder_.path / "nets", events),
        TrialOutcome::kInterrupted);
    EXPECT_EQ(heard.stages.size(), 3U);
    Heard after;
    ASSERT_EQ(run(after), TrialOutcome::kFinished);
    EXPECT_EQ(after.stages.at(3).best_dice, whole.stages.at(3).best_dice);
    EXPECT_EQ(after.stages.at(3).test[0].counts, whole.stages.at(3).test[0].counts);
  }
}

TEST_F(VotedTrial, SaysThatANetWasLostAfterItsLastCheckpoint) {
  config_.model.norm = "none";
  config_.stages[0].optimizer.name = "sgd";
  schedules::Curve bursting;
  bursting.shape = "linear";
  bursting.points = {{0.0, 1}, {0.5, 1}, {0.6, 1e30}};  // of two epochs the second is lost
  config_.stages[0].loss = {{"wce", bursting}};
  Heard heard;
  ASSERT_EQ(run(heard), TrialOutcome::kFinished);
  const analysis::StageResult& result = heard.stages.at(3);
  EXPECT_EQ(result.best_epoch, 1);
  EXPECT_EQ(result.stopped, "the axial net stopped: " + heard.stages[0].stopped);
  EXPECT_THAT(result.stopped, testing::HasSubstr("not finite"));
}

TEST_F(VotedTrial, ANetWithoutACheckpointLeavesNoVote) {
  config_.model.norm = "none";
  config_.stages[0].optimizer.name = "sgd";
  config_.stages[0].optimizer.lr_schedule = "constant";
  config_.stages[0].optimizer.lr = 1e37;
  Heard heard;
  ASSERT_EQ(run(heard), TrialOutcome::kFinished);
  const analysis::StageResult& result = heard.stages.at(3);
  EXPECT_EQ(result.stopped, "no vote: the axial net has no checkpoint");
  EXPECT_EQ(result.best_epoch, 0);
  EXPECT_EQ(analysis::mean_dice(result.test.at(0).counts).mean, 0);
}

}  // namespace
}  // namespace crossfade::runner
