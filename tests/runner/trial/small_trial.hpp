// A trial small enough for tests: shards of 16 x 16 pixels on which a tiny U-Net learns something in a few epochs.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/shards/shard.hpp"
#include "runner/trial/trial.hpp"

namespace crossfade::runner {

inline constexpr int kSide = 16;

/// Four classes as brightening blocks whose borders depend on `tag`; the last slice has no label.
inline data::ShardContents block_shard(const std::string& subject, int tag, int slices) {
  data::ShardContents contents;
  contents.info.subject = subject;
  contents.info.source = "a test";
  contents.info.label_table = "freesurfer";
  contents.info.label_table_hash = "0123456789abcdef";
  contents.info.grid.size = {kSide, kSide, slices};
  contents.info.grid.affine = {{{2, 0, 0, 0}, {0, 2, 0, 0}, {0, 0, 2, 0}}};
  contents.info.scans.resize(1);
  for (int n = 0; n < slices; ++n) {
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const int label = n + 1 == slices ? 0 : (x > 5 + (tag + n) % 4 ? 1 : 0) + (y > 6 + (2 * tag + n) % 3 ? 2 : 0);
        contents.labels.push_back(static_cast<std::uint8_t>(label));
        contents.images.push_back(static_cast<std::uint8_t>(30 + 50 * label + (7 * x + 13 * y + 5 * n + tag) % 11));
      }
    }
  }
  contents.original_labels.geometry = contents.info.grid;
  contents.original_labels.voxels.assign(contents.labels.begin(), contents.labels.end());
  return contents;
}

/// Writes three training shards, one for validation and one for test (named by part and number) into `folder`.
inline void write_small_shards(const std::filesystem::path& folder, int slices = 6) {
  int tag = 0;
  for (const char* subject : {"train-1", "train-2", "train-3", "validation", "test"}) {
    data::write_shard(folder / (std::string(subject) + ".h5"), block_shard(subject, ++tag, slices));
  }
}

inline std::vector<StageData> open_small_shards(const std::filesystem::path& folder) {
  std::vector<StageData> stages(1);
  for (const char* subject : {"train-1", "train-2", "train-3"}) {
    stages[0].train.emplace_back(folder / (std::string(subject) + ".h5"));
  }
  stages[0].validation.emplace_back(folder / "validation.h5");
  stages[0].test.emplace_back(folder / "test.h5");
  return stages;
}

inline TrialConfig small_trial() {
  TrialConfig config;
  config.variant = "small";
  config.model = {.name = "unet", .width = 4, .depth = 2, .norm = "batch"};
  schedules::Curve rising;
  rising.shape = "linear";
  rising.points = {{0.0, 0.2}, {1.0, 1.0}};
  StageOptions stage;
  stage.name = "pretrain";
  stage.epochs = 4;
  stage.batch = 7;  // of 15 to 18 slices: the last global batch is smaller
  stage.augmentation.noise = 0.1;
  stage.optimizer.lr = 1e-2;
  stage.optimizer.lr_schedule = "cosine";
  stage.loss = {{"wce", schedules::constant(1)}, {"wdice", rising}};
  config.stages = {stage};
  return config;
}

/// Everything a trial says.
struct Heard {
  std::vector<analysis::EpochRecord> epochs, again;  // trained, and said again
  std::vector<analysis::StageResult> stages;
  std::vector<TrialProgress> steps;
  std::vector<std::string> warnings;

  /// Events that listen; `stop_after` steps of this run the trial is asked to stop (negative: never). Steps are heard
  /// of one by one, on any device.
  TrialEvents events(int stop_after = -1) {
    TrialEvents events;
    events.queue.read_every = 1;
    events.on_step = [this](const TrialProgress& progress) { steps.push_back(progress); };
    events.on_epoch = [this](const analysis::EpochRecord& record) {
      (record.again ? again : epochs).push_back(record);
    };
    events.on_stage = [this](const analysis::StageResult& result) { stages.push_back(result); };
    events.on_warning = [this](const std::string& text) { warnings.push_back(text); };
    events.stop_requested = [this, stop_after] { return stop_after >= 0 && std::cmp_equal(steps.size(), stop_after); };
    return events;
  }
};

}  // namespace crossfade::runner
