#include "runner/trial/stage_data.hpp"

#include <stdexcept>
#include <string>

#include "data/labels/classes.hpp"
#include "runner/evaluation/evaluator.hpp"
#include "runner/process/interval.hpp"
#include "runner/trial/trained_on.hpp"

namespace crossfade::runner {

data::LabelKind label_kind(const StageOptions& stage) {
  return stage.labels == "automatic" ? data::LabelKind::kAutomatic : data::LabelKind::kManual;
}

data::LoaderOptions loader_options(const TrialConfig& trial, int stage, const Group& group) {
  const StageOptions& of_stage = trial.stages[static_cast<std::size_t>(stage)];
  data::LoaderOptions options;
  options.batch = of_stage.batch;
  options.rank = group.rank();
  options.ranks = group.size();
  options.seed = trial.seed;
  options.labels = label_kind(of_stage);
  options.stage = static_cast<std::uint32_t>(stage);
  options.augmentation = of_stage.augmentation;
  options.crop = of_stage.crop;
  return options;
}

void check_data(const StageOptions& stage, const StageData& data, const StageData& of_trial, int divisor) {
  const auto fail = [&](const std::string& what) { throw std::runtime_error("stage " + stage.name + ": " + what); };
  if (data.train.empty()) fail("no training subjects");
  if (data.validation.empty()) fail("no validation subjects");
  const auto require_labels = [&](const std::vector<data::Shard>& shards, data::LabelKind kind) {
    for (const data::Shard& shard : shards) {
      if (!shard.info().has(kind))
        fail(shard.file().string() + " has no " + (kind == data::LabelKind::kManual ? "manual" : "automatic") +
             " labels");
    }
  };
  require_labels(data.train, label_kind(stage));
  require_labels(data.validation, label_kind(stage));
  require_labels(data.test, data::LabelKind::kManual);
  const data::ShardInfo& first = of_trial.train.front().info();
  for (const auto* part : {&data.train, &data.validation, &data.test}) {
    for (const data::Shard& shard : *part) {
      const data::ShardInfo& info = shard.info();
      const std::string differs = data::class_difference(first.classes.names, info.classes.names);
      if (!differs.empty()) fail(shard.file().string() + ": other classes than the net is trained on: " + differs);
      const std::string unlike = channel_difference(first.channels, info.channels);
      if (!unlike.empty()) fail(shard.file().string() + ": other channels than the net is trained on: " + unlike);
      if (info.width() % divisor != 0 || info.height() % divisor != 0) {
        fail(shard.file().string() + ": slices of " + std::to_string(info.height()) + " x " +
             std::to_string(info.width()) + " pixels, but the net needs sides divisible by " + std::to_string(divisor));
      }
    }
  }
}

analysis::StageResult background_result(int position, const std::string& stopped, const StageData& data,
                                        const StageOptions& stage, Group& group) {
  const double begin = now();
  analysis::StageResult result;
  result.stage = position;
  result.stopped = stopped;
  result.validation = count_volumes(data.validation, group, label_kind(stage), background(data.validation));
  set_test_scores(score_volumes(data.test, group, background(data.test)), result);
  result.seconds.clear();  // nothing predicted it
  result.seconds_score = now() - begin;
  return result;
}

}  // namespace crossfade::runner
