#include "runner/trial/trial.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "runner/evaluation/evaluator.hpp"
#include "runner/trial/state.hpp"
#include "runner/trial/trainer.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/error_of.hpp"
#include "tests/runner/trial/trial_of_one_rank.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

TEST_F(TrialOfOneRank, LearnsAndIsScoredAtItsBestCheckpoint) {
  const TrialConfig config = small_trial();
  Heard heard;
  ASSERT_EQ(run(config, "a", heard), TrialOutcome::kFinished);
  ASSERT_EQ(heard.epochs.size(), 4U);
  ASSERT_EQ(heard.stages.size(), 1U);

  int best = 0;
  double dice = -1;
  for (const auto& record : heard.epochs) {
    const double here = record.validation.mean;
    if (here > dice) {
      dice = here;
      best = record.epoch;
    }
  }
  const analysis::StageResult& result = heard.stages[0];
  EXPECT_EQ(result.best_epoch, best);
  EXPECT_EQ(result.best_dice, dice);
  EXPECT_EQ(result.stopped, "");
  EXPECT_GT(dice, 0.2);
  EXPECT_LT(heard.epochs.back().loss, heard.epochs.front().loss);

  // The file alone gives the same score.
  auto stages = open_small_shards(folder_.path);
  const auto network = load_network(folder_.path / "a" / "hash" / "best.safetensors");
  place_network(*network, group_.device());
  EXPECT_EQ(evaluate(*network, stages[0].validation, group_, 4)[0].counts, result.validation[0].counts);
  EXPECT_EQ(evaluate(*network, stages[0].test, group_, 4)[0].counts, result.test[0].counts);
  EXPECT_EQ(result.test[0].subject, "test");
}

TEST_F(TrialOfOneRank, RecordsMeansOfTheEpochsStepsAndTheScheduledWeights) {
  const TrialConfig config = small_trial();
  Heard heard;
  run(config, "a", heard);
  const auto per_epoch = heard.steps.size() / 4;
  ASSERT_EQ(per_epoch, 3U);  // 15 to 18 slices in batches of 7
  for (std::size_t e = 0; e < 4; ++e) {
    const analysis::EpochRecord& record = heard.epochs[e];
    double sum = 0;
    for (std::size_t s = 0; s < per_epoch; ++s) sum += heard.steps[e * per_epoch + s].loss;
    EXPECT_DOUBLE_EQ(record.loss, sum / 3);
    EXPECT_EQ(record.step, static_cast<std::int64_t>((e + 1) * per_epoch));
    ASSERT_EQ(record.terms.size(), 2U);
    const double progress = static_cast<double>((e + 1) * per_epoch - 1) / 12;
    EXPECT_EQ(record.terms[0].weight, 1);
    EXPECT_NEAR(record.terms[1].weight, 0.2 + 0.8 * progress, 1e-12);
    EXPECT_GE(record.images, 15);
    EXPECT_LE(record.images, 18);
  }
}

class TrialOfEitherPrecision : public TrialOfOneRank, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Precisions, TrialOfEitherPrecision, testing::Values("fp32", "bf16"));

TEST_P(TrialOfEitherPrecision, InterruptedAnywhereEndsBitForBitAsIfNothingHadHappened) {
  TrialConfig config = small_trial();
  config.precision = model::precision_named(GetParam());
  Heard whole;
  run(config, "whole", whole);
  for (const int stop_after : {0, 1, 3, 5}) {  // before anything, within an epoch, at its end, within the second
    const std::string name = "parts-" + std::to_string(stop_after);
    Heard before, after;
    ASSERT_EQ(run(config, name, before, stop_after), TrialOutcome::kInterrupted);
    EXPECT_EQ(before.steps.size(), static_cast<std::size_t>(stop_after));
    ASSERT_EQ(run(config, name, after), TrialOutcome::kFinished);
    EXPECT_EQ(before.steps.size() + after.steps.size(), whole.steps.size());
    expect_same_tensors(folder_.path / "whole" / "hash" / "last.safetensors",
                        folder_.path / name / "hash" / "last.safetensors");
    expect_same_tensors(folder_.path / "whole" / "hash" / "best.safetensors",
                        folder_.path / name / "hash" / "best.safetensors");

    std::vector<analysis::EpochRecord> epochs = before.epochs;
    epochs.insert(epochs.end(), after.epochs.begin(), after.epochs.end());
    ASSERT_EQ(epochs.size(), whole.epochs.size());
    for (std::size_t e = 0; e < epochs.size(); ++e) {
      EXPECT_EQ(epochs[e].loss, whole.epochs[e].loss);
      EXPECT_EQ(epochs[e].terms[1].value, whole.epochs[e].terms[1].value);
      EXPECT_EQ(epochs[e].gradient_norm, whole.epochs[e].gradient_norm);
      EXPECT_EQ(epochs[e].images, whole.epochs[e].images);
      EXPECT_EQ(epochs[e].validation.mean, whole.epochs[e].validation.mean);
      EXPECT_EQ(epochs[e].validation.pooled, whole.epochs[e].validation.pooled);
    }
    EXPECT_EQ(after.stages[0].test[0].counts, whole.stages[0].test[0].counts);
  }
}

TEST_P(TrialOfEitherPrecision, ReadsStepsTogetherWithoutAChangeOfAnythingThatItSays) {
  TrialConfig config = small_trial();
  config.precision = model::precision_named(GetParam());
  Heard one_by_one;
  run(config, "one", one_by_one);
  for (const int read_every : {2, 16}) {  // of the 3 steps of an epoch; more than an epoch has
    const std::string name = "every-" + std::to_string(read_every);
    Heard before, after;
    const auto run_part = [&](Heard& heard, int stop_at) {
      TrialEvents events = heard.events();
      events.queue.read_every = read_every;
      events.stop_requested = [asked = 0, stop_at]() mutable { return asked++ == stop_at; };
      return run_trial(config, {"hash"}, open_small_shards(folder_.path), group_, folder_.path / name, events);
    };
    // Asked before each step, at their end and before the volume of validation: 5 times, and before steps 1 and 2 of
    // the second epoch.
    ASSERT_EQ(run_part(before, 6), TrialOutcome::kInterrupted);
    EXPECT_EQ(before.steps.size(), 4U);
    ASSERT_EQ(run_part(after, -1), TrialOutcome::kFinished);
    std::vector<TrialProgress> steps = before.steps;
    steps.insert(steps.end(), after.steps.begin(), after.steps.end());
    ASSERT_EQ(steps.size(), one_by_one.steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) {
      EXPECT_EQ(steps[s].step, one_by_one.steps[s].step);
      EXPECT_EQ(steps[s].epoch, one_by_one.steps[s].epoch);
      EXPECT_EQ(steps[s].loss, one_by_one.steps[s].loss);
      EXPECT_EQ(steps[s].gradient_norm, one_by_one.steps[s].gradient_norm);
    }
    ASSERT_EQ(before.epochs.size(), 1U);
    ASSERT_EQ(after.epochs.size(), 3U);
    for (std::size_t e = 0; e < 3; ++e) {
      EXPECT_EQ(after.epochs[e].loss, one_by_one.epochs[e + 1].loss);
      EXPECT_EQ(after.epochs[e].images, one_by_one.epochs[e + 1].images);
    }
    expect_same_tensors(folder_.path / "one" / "hash" / "last.safetensors",
                        folder_.path / name / "hash" / "last.safetensors");
  }
}

TEST_F(TrialOfOneRank, IsInterruptedBetweenVolumesOfItsValidationAndOfItsTest) {
  Heard whole;
  run(small_trial(), "whole", whole);
  ASSERT_EQ(whole.stages.size(), 1U);
  EXPECT_GT(whole.stages[0].seconds_score, 0);
  // Asked before each of 3 steps, at their end and before the volume of validation, in 4 epochs; then before that of
  // the test.
  struct Case {
    int stop_at;
    std::size_t epochs, steps;
  };
  for (const Case& c : {Case{4, 0, 3}, Case{14, 2, 9}, Case{20, 4, 12}}) {
    const std::string name = "stopped-" + std::to_string(c.stop_at);
    Heard before, after;
    const auto run_part = [&](Heard& heard, int stop_at) {
      TrialEvents events = heard.events();
      events.stop_requested = [asked = 0, stop_at]() mutable { return asked++ == stop_at; };
      return run_trial(small_trial(), {"hash"}, open_small_shards(folder_.path), group_, folder_.path / name, events);
    };
    ASSERT_EQ(run_part(before, c.stop_at), TrialOutcome::kInterrupted) << name;
    EXPECT_EQ(before.steps.size(), c.steps) << name;
    EXPECT_EQ(before.epochs.size(), c.epochs) << name << ": an epoch is whole with its validation";
    EXPECT_TRUE(before.stages.empty()) << name;
    ASSERT_EQ(run_part(after, -1), TrialOutcome::kFinished) << name;
    EXPECT_EQ(after.steps.size(), whole.steps.size() - c.steps) << name;
    ASSERT_EQ(after.epochs.size(), whole.epochs.size() - c.epochs) << name;
    for (std::size_t e = 0; e < after.epochs.size(); ++e) {
      const analysis::EpochRecord& expected = whole.epochs[e + c.epochs];
      EXPECT_EQ(after.epochs[e].loss, expected.loss);
      EXPECT_EQ(after.epochs[e].images, expected.images);
      EXPECT_EQ(after.epochs[e].validation.pooled, expected.validation.pooled);
    }
    ASSERT_EQ(after.stages.size(), 1U) << name;
    EXPECT_EQ(after.stages[0].best_epoch, whole.stages[0].best_epoch);
    EXPECT_EQ(after.stages[0].validation[0].counts, whole.stages[0].validation[0].counts)
        << "validated again, or kept from the best epoch";
    EXPECT_EQ(after.stages[0].test[0].counts, whole.stages[0].test[0].counts);
    for (const char* file : {"last.safetensors", "best.safetensors"})
      expect_same_tensors(folder_.path / "whole" / "hash" / file, folder_.path / name / "hash" / file);
  }
}

TEST_F(TrialOfOneRank, RecordsWhatTheCheckpointsBeforeAnEpochTookAndWaitsForNoRank) {
  Heard before, after;
  run(small_trial(), "a", before, 4);  // within the second epoch
  run(small_trial(), "a", after);
  ASSERT_EQ(before.epochs.size(), 1U);
  EXPECT_TRUE(std::isnan(before.epochs[0].overhead.checkpoint)) << "there was none";
  ASSERT_EQ(after.epochs.size(), 3U);
  for (const analysis::EpochRecord& epoch : after.epochs) {
    EXPECT_GT(epoch.overhead.checkpoint, 0) << epoch.epoch;
    EXPECT_EQ(epoch.overhead.communication, 0);
    EXPECT_EQ(epoch.overhead.buckets, 0);
    EXPECT_EQ(epoch.overhead.loss_sums, 0);
    EXPECT_EQ(epoch.overhead.norm_sums, 0);
  }
}

/// A trial whose net stays as it is, so that its first epoch is its best; the weight of w-Dice changes at epoch 4
/// of 12.
TrialConfig standing_trial() {
  TrialConfig config = small_trial();
  config.model.norm = "none";
  StageOptions& stage = config.stages[0];
  stage.optimizer = {.lr = 1e-12};
  stage.loss = {{"wce", schedules::constant(1)}, {"wdice", {"step", {{0, 0}, {1. / 3, 1}}}}};
  stage.epochs = 12;
  stage.patience = 3;
  return config;
}

TEST_F(TrialOfOneRank, RunsOutOfPatienceAfterTheLastChangeOfAnyCurve) {
  Heard heard;
  ASSERT_EQ(run(standing_trial(), "a", heard), TrialOutcome::kFinished);
  EXPECT_EQ(heard.epochs.size(), 4U + 3U);
  ASSERT_EQ(heard.stages.size(), 1U);
  EXPECT_EQ(heard.stages[0].best_epoch, 1);
  EXPECT_EQ(heard.stages[0].stopped, "");
  EXPECT_EQ(heard.steps.back().step * 12, heard.steps.back().steps * 7) << "progress is still that of all 12 epochs";

  TrialConfig later = standing_trial();
  later.stages[0].optimizer.lr_schedule = "step";
  later.stages[0].optimizer.step_every = 0.25;  // changes last after epoch 9
  Heard of_later;
  run(later, "b", of_later);
  EXPECT_EQ(of_later.epochs.size(), 12U);
}

TEST_F(TrialOfOneRank, InterruptedIsAsPatientAsIfNothingHadHappened) {
  Heard first, second;
  ASSERT_EQ(run(standing_trial(), "a", first, /*stop_after=*/17), TrialOutcome::kInterrupted);  // in epoch 6
  ASSERT_EQ(run(standing_trial(), "a", second), TrialOutcome::kFinished);
  EXPECT_EQ(second.epochs.back().epoch, 7);
}

TEST_F(TrialOfOneRank, StartsAnewWhereTheCheckpointIsOfAnotherTrial) {
  const TrialConfig config = small_trial();
  Heard first, second;
  run(config, "a", first, 5, "0123456789abcdef: one");  // in one folder, by the first 16 digits
  ASSERT_EQ(run(config, "a", second, -1, "0123456789abcdef: another"), TrialOutcome::kFinished);
  EXPECT_EQ(second.epochs.size(), 4U);
}

TEST_F(TrialOfOneRank, LearnsFromAutomaticLabelsAndIsTestedOnManualOnes) {
  // The automatic labels call class 1 what is class 2, and the reverse.
  const fs::path swapped = folder_.path / "swapped";  // where those are the manual ones
  fs::create_directories(swapped);
  int tag = 0;
  for (const char* subject : {"train-1", "train-2", "train-3", "validation", "test"}) {
    data::ShardContents contents = block_shard(subject, ++tag, 6);
    contents.info.has_automatic = true;
    for (const std::uint8_t label : contents.labels)
      contents.automatic.push_back(label == 1 ? 2 : label == 2 ? 1 : label);
    data::write_shard(folder_.path / (std::string(subject) + ".h5"), contents);
    std::swap(contents.labels, contents.automatic);
    data::write_shard(swapped / (std::string(subject) + ".h5"), contents);
  }
  TrialConfig config = small_trial();
  config.stages[0].labels = "automatic";
  Heard heard, manual;
  ASSERT_EQ(run(config, "a", heard), TrialOutcome::kFinished);
  config.stages[0].labels = "manual";
  ASSERT_EQ(run_trial(config, {"hash"}, open_small_shards(swapped), group_, folder_.path / "b", manual.events()),
            TrialOutcome::kFinished);
  ASSERT_EQ(heard.steps.size(), manual.steps.size());
  for (std::size_t s = 0; s < heard.steps.size(); ++s) EXPECT_EQ(heard.steps[s].loss, manual.steps[s].loss);
  EXPECT_EQ(heard.stages[0].validation[0].counts, manual.stages[0].validation[0].counts);
  EXPECT_NE(heard.stages[0].test[0].counts, manual.stages[0].test[0].counts) << "the truth is the manual labels";
  const auto network = load_network(folder_.path / "a" / "hash" / "best.safetensors");
  place_network(*network, group_.device());
  const auto truth = evaluate(*network, open_small_shards(folder_.path)[0].test, group_, 4, data::LabelKind::kManual);
  EXPECT_EQ(heard.stages[0].test[0].counts, truth[0].counts);
}

TEST_F(TrialOfOneRank, RefusesAutomaticLabelsThatAreNotThere) {
  TrialConfig config = small_trial();
  config.stages[0].labels = "automatic";
  Heard heard;
  EXPECT_THAT(error_of([&] { run(config, "a", heard); }),
              AllOf(HasSubstr("train-1.h5"), HasSubstr("no automatic labels")));
}

TEST_F(TrialOfOneRank, ALossThatIsNotFiniteEndsItScoredAsNothingFound) {
  TrialConfig config = small_trial();
  config.model.norm = "none";
  config.stages[0].optimizer.name = "sgd";
  config.stages[0].optimizer.lr_schedule = "constant";
  config.stages[0].optimizer.lr = 1e37;  // the first update leaves float32's range within two layers
  for (const int read_every : {1, 16}) {
    Heard heard;
    TrialEvents events = heard.events();
    events.queue.read_every = read_every;
    ASSERT_EQ(run_trial(config, {"hash"}, open_small_shards(folder_.path), group_, folder_.path / "a", events),
              TrialOutcome::kFinished);
    EXPECT_EQ(heard.steps.size(), 1U);
    EXPECT_TRUE(heard.epochs.empty());
    ASSERT_EQ(heard.stages.size(), 1U);
    EXPECT_EQ(heard.stages[0].stopped, "loss term wce is not finite at step 2");
    EXPECT_EQ(heard.stages[0].best_epoch, 0);
    ASSERT_EQ(heard.stages[0].test.size(), 1U);
    EXPECT_EQ(analysis::mean_over_subjects(heard.stages[0].test), 0);
    EXPECT_FALSE(fs::exists(folder_.path / "a" / "hash" / "best.safetensors"));
  }
}

TEST_F(TrialOfOneRank, ADamagedShardEndsItByNameAndTheGroupTrainsTheNext) {
  const fs::path file = folder_.path / "train-2.h5";
  auto stages = open_small_shards(folder_.path);
  const auto size = fs::file_size(file);
  {
    // Overwrites the middle, where chunks of pixels are; the header with the counts stays readable.
    std::fstream damage(file, std::ios::binary | std::ios::in | std::ios::out);
    const auto from = static_cast<std::streamoff>(size / 4);
    damage.seekp(from);
    const std::string noise(size / 2, '\x5a');
    damage.write(noise.data(), static_cast<std::streamsize>(noise.size()));
  }
  Heard heard;
  EXPECT_THAT(error_of([&] { run_trial(small_trial(), {"hash"}, stages, group_, folder_.path / "a", heard.events()); }),
              HasSubstr("train-2.h5"));
  data::write_shard(file, block_shard("train-2", 2, 6));
  EXPECT_EQ(run(small_trial(), "a", heard), TrialOutcome::kFinished);
}

TEST_F(TrialOfOneRank, RefusesSlicesThatTheNetCannotHalve) {
  TrialConfig config = small_trial();
  config.model.depth = 5;
  Heard heard;
  EXPECT_THAT(error_of([&] { run(config, "a", heard); }),
              AllOf(HasSubstr("16 x 16"), HasSubstr("divisible by 32"), HasSubstr("train-1.h5")));
}

TEST_F(TrialOfOneRank, RefusesADamagedCheckpointByName) {
  Heard heard;
  run(small_trial(), "a", heard, 4);
  const fs::path file = folder_.path / "a" / "hash" / "last.safetensors";
  fs::resize_file(file, fs::file_size(file) - 10);
  EXPECT_THAT(error_of([&] { run(small_trial(), "a", heard); }), HasSubstr("last.safetensors: truncated"));
}

}  // namespace
}  // namespace crossfade::runner
