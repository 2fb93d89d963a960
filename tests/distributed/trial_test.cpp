// Whole trials by the ranks of one group.
#include "runner/trial/trial.hpp"
#include "data/labels/structures.hpp"

#include <gmock/gmock.h>
#include <torch/types.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "runner/evaluation/evaluator.hpp"
#include "runner/evaluation/pictures.hpp"
#include "runner/trial/checkpoint.hpp"
#include "runner/trial/trainer.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/device.hpp"
#include "tests/distributed/world.hpp"
#include "tests/runner/trial/small_trial.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TrialOfAllRanks : public testing::Test {
 protected:
  TrialOfAllRanks() : group_(test_world().communicator().duplicate(), tests::device()) {
    if (group_.rank() == 0) {
      own_.emplace();
      write_small_shards(own_->path);
    }
    folder_ = group_.ranks().broadcast(own_ ? own_->path.string() : "", 0);
  }
  ~TrialOfAllRanks() override { group_.barrier(); }  // nobody reads a folder that rank 0 has removed

  /// Every rank is asked to stop by its own clock, here by the steps of group rank 0 as it tells them.
  TrialOutcome run(const TrialConfig& config, const std::string& name, Heard& heard, int stop_after = -1) {
    return run_trial(config, {"hash"}, open_small_shards(folder_), group_, folder_ / name, heard.events(stop_after));
  }

  Group group_;
  std::optional<TemporaryFolder> own_;
  fs::path folder_;
};

TEST_F(TrialOfAllRanks, InterruptedWithinAnEpochEndsBitForBitAsIfNothingHadHappened) {
  TrialConfig config = small_trial();
  config.stages[0].epochs = 2;
  Heard whole, before, after;
  ASSERT_EQ(run(config, "whole", whole), TrialOutcome::kFinished);
  // Only rank 0 hears steps, so only rank 0 wants to stop, and all must.
  ASSERT_EQ(run(config, "parts", before, group_.rank() == 0 ? 2 : -1), TrialOutcome::kInterrupted);
  ASSERT_EQ(run(config, "parts", after), TrialOutcome::kFinished);
  if (group_.rank() != 0) {
    EXPECT_TRUE(whole.epochs.empty() && whole.stages.empty()) << "only group rank 0 is to speak";
    return;
  }
  EXPECT_EQ(before.steps.size(), 2U);
  EXPECT_EQ(before.steps.size() + after.steps.size(), whole.steps.size());
  ASSERT_EQ(after.epochs.size(), 2U);
  for (std::size_t e = 0; e < 2; ++e) EXPECT_EQ(after.epochs[e].loss, whole.epochs[e].loss);
  EXPECT_EQ(after.stages[0].test[0].counts, whole.stages[0].test[0].counts);
  const TensorFile a = read_tensors(folder_ / "whole" / "hash" / "last.safetensors");
  const TensorFile b = read_tensors(folder_ / "parts" / "hash" / "last.safetensors");
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) EXPECT_TRUE(torch::equal(tensor, b.tensor(name))) << name;
}

TEST_F(TrialOfAllRanks, InterruptedWhileOneRankValidatesOrScoresEndsBitForBit) {
  TrialConfig config = small_trial();
  config.stages[0].epochs = 1;
  Heard whole;
  ASSERT_EQ(run(config, "whole", whole), TrialOutcome::kFinished);
  const int last = group_.size() - 1;
  // Asked before each of 3 steps, at their end, before the volume of validation, and before that of the test, which is
  // the first rank's. A run that goes on from there validates its best net once more, asked before.
  using Stop = std::pair<int, int>;  // the question that is answered with yes, on which rank
  for (const std::vector<Stop>& stops : {std::vector{Stop(4, last)}, {Stop(5, 0)}, {Stop(5, 0), Stop(0, last)}}) {
    const int first = stops.front().first;
    const std::string name = "stopped-" + std::to_string(first) + "-" + std::to_string(stops.size());
    Heard before, after;
    for (const auto& [stop_at, rank] : stops) {
      TrialEvents events = before.events();
      events.stop_requested = [this, at = stop_at, on = rank, asked = 0]() mutable {
        return asked++ == at && group_.rank() == on;
      };
      ASSERT_EQ(run_trial(config, {"hash"}, open_small_shards(folder_), group_, folder_ / name, events),
                TrialOutcome::kInterrupted);
    }
    ASSERT_EQ(run(config, name, after), TrialOutcome::kFinished);
    if (group_.rank() != 0) continue;
    EXPECT_EQ(before.steps.size(), whole.steps.size());
    EXPECT_EQ(before.epochs.size(), first == 4 ? 0U : 1U);
    EXPECT_TRUE(before.stages.empty());
    EXPECT_TRUE(after.steps.empty());
    const analysis::EpochRecord& epoch = first == 4 ? after.epochs.at(0) : before.epochs.at(0);
    EXPECT_EQ(epoch.loss, whole.epochs.at(0).loss);
    EXPECT_EQ(epoch.validation.pooled, whole.epochs[0].validation.pooled);
    EXPECT_EQ(after.stages.at(0).validation[0].counts, whole.stages.at(0).validation[0].counts);
    EXPECT_EQ(after.stages[0].test[0].counts, whole.stages[0].test[0].counts);
  }
}

TEST_F(TrialOfAllRanks, AShardThatOneRankCannotReadEndsItOnAllWithTheSameWords) {
  const int last = group_.size() - 1;
  const fs::path own = folder_ / ("of-rank-" + std::to_string(group_.rank()));
  fs::create_directories(own);
  write_small_shards(own);
  auto stages = open_small_shards(own);
  if (group_.rank() == last) {
    for (const char* name : {"train-1.h5", "train-2.h5", "train-3.h5"}) {
      const auto size = fs::file_size(own / name);
      std::fstream damage(own / name, std::ios::binary | std::ios::in | std::ios::out);
      damage.seekp(static_cast<std::streamoff>(size / 4));
      const std::string noise(size / 2, '\x5a');
      damage.write(noise.data(), static_cast<std::streamsize>(noise.size()));
    }
  }
  std::string error;
  Heard heard;
  try {
    run_trial(small_trial(), {"hash"}, stages, group_, folder_ / "a", heard.events());
  } catch (const std::runtime_error& failure) {
    error = failure.what();
  }
  EXPECT_THAT(error, HasSubstr("of-rank-" + std::to_string(last)));
  EXPECT_EQ(group_.ranks().broadcast(error, 0), error);
  EXPECT_EQ(run(small_trial(), "a", heard), TrialOutcome::kFinished) << "the group trains the next trial";
}

TEST_F(TrialOfAllRanks, DrawsTheSameSubjectsAsOneRankAlone) {
  const auto stages = open_small_shards(folder_);
  const auto network = model::make_network(small_trial().model, 1, data::kClasses, 1);
  place_network(*network, group_.device());
  Group alone(test_world().communicator().split(group_.rank()), group_.device());
  const auto predicted = [&](std::size_t s) { return predict(*network, stages[0].train[s], group_.device(), 4); };
  const auto counts = score_volumes(stages[0].train, group_, predicted).counts;
  const fs::path own = folder_ / ("of-rank-" + std::to_string(group_.rank()));
  draw_subjects(stages[0].train, counts, group_, predicted, folder_ / "of-all", "hash");
  draw_subjects(stages[0].train, counts, alone, predicted, own, "hash");
  group_.barrier();
  const auto text_of = [](const fs::path& file) {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  for (const char* subject : {"train-1.svg", "train-2.svg", "train-3.svg"}) {
    const std::string drawn = text_of(folder_ / "of-all" / "hash" / subject);
    EXPECT_FALSE(drawn.empty()) << subject;
    EXPECT_EQ(drawn, text_of(own / "hash" / subject)) << subject;
  }
}

TEST_F(TrialOfAllRanks, MeasuresTheSameSurfacesAsOneRankAlone) {
  const auto stages = open_small_shards(folder_);
  const auto network = model::make_network(small_trial().model, 1, data::kClasses, 1);
  place_network(*network, group_.device());
  Group alone(test_world().communicator().split(group_.rank()), group_.device());
  const auto predicted = [&](std::size_t s) { return predict(*network, stages[0].train[s], group_.device(), 4); };
  const VolumeScores together = score_volumes(stages[0].train, group_, predicted);
  const VolumeScores expected = score_volumes(stages[0].train, alone, predicted);
  ASSERT_EQ(together.surfaces.size(), 3U);
  ASSERT_EQ(together.seconds.size(), 3U);
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_EQ(together.counts[s].counts, expected.counts[s].counts);
    EXPECT_EQ(together.surfaces[s].subject, expected.surfaces[s].subject);
    for (std::size_t c = 0; c < data::kClasses; ++c) {
      const analysis::SurfaceScores &a = together.surfaces[s].scores[c], &b = expected.surfaces[s].scores[c];
      EXPECT_EQ(std::isnan(a.hd95_mm), std::isnan(b.hd95_mm));
      if (!std::isnan(b.hd95_mm)) {
        EXPECT_EQ(a.hd95_mm, b.hd95_mm);
        EXPECT_EQ(a.nsd, b.nsd);
      }
    }
  }
}

TEST_F(TrialOfAllRanks, ALossThatIsNotFiniteEndsItOnAllRanks) {
  TrialConfig config = small_trial();
  config.model.norm = "none";
  config.stages[0].optimizer.name = "sgd";
  config.stages[0].optimizer.lr_schedule = "constant";
  config.stages[0].optimizer.lr = 1e37;
  Heard heard;
  ASSERT_EQ(run(config, "a", heard), TrialOutcome::kFinished);
  if (group_.rank() != 0) return;
  EXPECT_EQ(heard.stages.at(0).stopped, "loss term wce is not finite at step 2");
}

}  // namespace
}  // namespace crossfade::runner
