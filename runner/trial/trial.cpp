#include "runner/trial/trial.hpp"

#include <ATen/record_function.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "data/shards/class_weights.hpp"
#include "data/shards/loader.hpp"
#include "runner/grid/learning_rate.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/ranks/failure.hpp"
#include "runner/trial/evaluator.hpp"
#include "runner/trial/state.hpp"
#include "runner/trial/trained_on.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Everything that a step would stumble over later, with the other ranks in a collective. `of_trial`: the data of the
/// first stage, for which the net was made.
void check_data(const StageOptions& stage, const StageData& data, const StageData& of_trial,
                const model::Network& network) {
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
  const int divisor = network.divisor();
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

void broadcast(const model::Network& network, Group& group) {
  for (const torch::Tensor& tensor : network.parameters()) group.broadcast(tensor);
  for (const torch::Tensor& tensor : network.buffers()) group.broadcast(tensor);
}

/// What the first stage trains on; check_data() holds the others against it.
const data::ShardInfo& first_data(const std::vector<StageData>& stages) {
  static const data::ShardInfo none;
  const std::vector<data::Shard>& train = stages.front().train;
  return train.empty() ? none : train.front().info();
}

class Trial {
 public:
  Trial(const TrialConfig& config, const std::vector<std::string>& hashes, const std::vector<StageData>& stages,
        Group& group, const fs::path& checkpoints, const TrialEvents& events)
      : config_(config),
        hashes_(hashes),
        stages_(stages),
        group_(group),
        checkpoints_(checkpoints),
        events_(events),
        network_(network_of(config, first_data(stages), group.device())) {}

  TrialOutcome run() {
    together(group_.ranks(), [&] {
      for (std::size_t s = 0; s < stages_.size(); ++s)
        check_data(config_.stages[s], stages_[s], stages_.front(), *network_);
    });
    resume();
    for (; position_.stage < static_cast<int>(stages_.size()); begin_next_stage()) {
      std::string stopped;
      if (train(stopped) == TrialOutcome::kInterrupted) return TrialOutcome::kInterrupted;
      report_stage(stopped);
      if (!stopped.empty()) {
        report_skipped_stages(stopped);
        break;
      }
    }
    return TrialOutcome::kFinished;
  }

 private:
  const StageOptions& stage() const { return config_.stages[static_cast<std::size_t>(position_.stage)]; }
  const StageData& data() const { return stages_[static_cast<std::size_t>(position_.stage)]; }
  const std::string& hash() const { return hashes_[static_cast<std::size_t>(position_.stage)]; }
  fs::path last() const { return stage_folder(checkpoints_, hash()) / "last.safetensors"; }
  fs::path best() const { return stage_folder(checkpoints_, hash()) / "best.safetensors"; }
  bool leads() const { return group_.rank() == 0; }
  /// Group rank 0 reads; the others get position and tensors from it. Epochs and results that lie behind are said
  /// again: whoever trained them may have said them of another trial, or to another database.
  void resume() {
    std::string position;
    together(group_.ranks(), [&] {
      if (!leads()) return;
      for (std::size_t s = hashes_.size(); s-- > 0 && position.empty();) {
        const fs::path file = stage_folder(checkpoints_, hashes_[s]) / "last.safetensors";
        if (!fs::exists(file)) continue;
        TensorFile contents = read_tensors(file);
        if (contents.text("trial") != hashes_[s]) continue;
        position = contents.text("position");
        resumed_ = std::move(contents);
      }
    });
    position = group_.ranks().broadcast(position, 0);
    const Position found = position.empty() ? Position{} : position_from_json(position);
    for (; position_.stage < found.stage; ++position_.stage) {
      together(group_.ranks(), [&] {
        if (leads() && fs::exists(last())) say_again(read_tensors(last()));
      });
      report_best("");
    }
    position_ = found;
    together(group_.ranks(), [&] {
      if (!resumed_) return;
      say_again(*resumed_);
      restore_network(*resumed_, *network_);
    });
    broadcast(*network_, group_);
  }

  void say_again(const TensorFile& last) {
    const auto found = last.metadata.find("epochs");
    epochs_ = found == last.metadata.end() ? std::vector<analysis::EpochRecord>{} : epochs_from_json(found->second);
    for (analysis::EpochRecord epoch : epochs_) {
      epoch.stage = position_.stage;
      epoch.again = true;
      if (events_.on_epoch) events_.on_epoch(epoch);
    }
  }

  void resume_optimizer() {
    together(group_.ranks(), [&] {
      if (resumed_ && position_.optimizer_steps > 0) restore_optimizer(*resumed_, trainer_->optimizer());
    });
    resumed_.reset();
    if (position_.optimizer_steps == 0) return;
    for (const auto& [name, tensor] : trainer_->optimizer().state()) group_.broadcast(tensor);
    trainer_->optimizer().set_steps(position_.optimizer_steps);
  }

  /// The net as it is, and where the trial stands.
  TensorFile checkpoint() const {
    TensorFile file = save_network(*network_, config_.model, data().train.front().info().channel_count(),
                                   data().train.front().info().classes.count());
    file.metadata.insert({{"trial", hash()}, {"variant", config_.variant}, {"position", to_json(position_)}});
    save_trained_on(trained_on(data().train.front()), file);
    return file;
  }

  void save_last() {
    together(group_.ranks(), [&] {
      if (!leads()) return;
      if (trainer_) position_.optimizer_steps = trainer_->optimizer().steps();
      TensorFile file = checkpoint();
      file.metadata.emplace("epochs", to_json(epochs_));
      if (trainer_) save_optimizer(trainer_->optimizer(), file);
      write_tensors(last(), file);
    });
  }

  void save_best() {
    together(group_.ranks(), [&] {
      if (leads()) write_tensors(best(), checkpoint());
    });
  }

  /// Trains the stage from the position on. `stopped` says what was not finite, if anything was.
  TrialOutcome train(std::string& stopped) {
    const StageOptions& options = stage();
    const data::LabelKind labels = label_kind(options);
    const data::ScanRange scans{options.first_scan, options.scans};
    const auto weights = data::median_frequency_weights(data().train, config_.loss_options.weight_cap, labels, scans);
    trainer_.emplace(*network_, options.loss, weights, config_.loss_options, options.optimizer, group_, events_.queue);
    resume_optimizer();
    data::LoaderOptions loading;
    loading.batch = options.batch;
    loading.rank = group_.rank();
    loading.ranks = group_.size();
    loading.seed = config_.seed;
    loading.labels = labels;
    loading.stage = static_cast<std::uint32_t>(position_.stage);
    loading.augmentation = options.augmentation;
    loading.crop = options.crop;
    std::optional<data::Loader> loader;
    together(group_.ranks(), [&] {
      loader.emplace(data().train, data::training_slices(data().train, config_.seed, labels, scans), loading);
    });
    while (position_.epoch < options.epochs && stopped.empty() && !out_of_patience()) {
      if (train_epoch(*loader, stopped) == TrialOutcome::kInterrupted) {
        save_last();
        return TrialOutcome::kInterrupted;
      }
      if (stopped.empty()) end_epoch();
    }
    return TrialOutcome::kFinished;
  }

  bool out_of_patience() const {
    const double last_change = std::max(schedules::last_change(stage().loss), runner::last_change(stage().optimizer));
    const int settled = static_cast<int>(std::ceil(last_change * stage().epochs - 1e-9));
    return stage().patience > 0 && position_.epoch - std::max(position_.best_epoch, settled) >= stage().patience;
  }

  TrialOutcome train_epoch(data::Loader& loader, std::string& stopped) {
    const std::int64_t steps_before = static_cast<std::int64_t>(position_.epoch) * loader.steps();
    const std::int64_t steps = static_cast<std::int64_t>(stage().epochs) * loader.steps();
    const EpochClock clock{now(), position_.sums.seconds_train, position_.sums.images};
    together(group_.ranks(), [&] { loader.start(static_cast<std::uint32_t>(position_.epoch), position_.step); });
    network_->train();
    ProfiledEpoch profiled(events_.profile);
    for (int made = position_.step; stopped.empty(); ++made) {
      std::string error;
      std::optional<data::Batch> batch;
      profiled.begin_step(loader.steps() - made);
      const double asked = now();
      try {
        RECORD_USER_SCOPE("data");
        if (made < loader.steps()) batch = loader.next();
      } catch (const std::exception& failure) {
        error = describe_failure(failure);
      }
      const double loaded = now();
      position_.sums.seconds_data += loaded - asked;
      const bool stop = asked_to_stop(events_, group_, error);
      if (group_.size() > 1) position_.sums.overhead.communication += now() - loaded;
      if (stop || !batch) {
        record(trainer_->read(), steps_before, steps, clock, stopped);
        return stop && stopped.empty() ? TrialOutcome::kInterrupted : TrialOutcome::kFinished;
      }
      const double progress = static_cast<double>(steps_before + made) / static_cast<double>(steps);
      record(trainer_->step(*batch, progress), steps_before, steps, clock, stopped);
    }
    return TrialOutcome::kFinished;
  }

  /// When an epoch began or went on, and what it had behind it.
  struct EpochClock {
    double begin, seconds_before;
    std::int64_t images_before;
  };

  /// Goes on by the steps that these are the results of. The stage has `steps`, and `steps_before` in earlier epochs.
  void record(const std::vector<StepResult>& results, std::int64_t steps_before, std::int64_t steps,
              const EpochClock& clock, std::string& stopped) {
    for (const StepResult& result : results) {
      const std::int64_t step = steps_before + position_.step + 1;
      if (!result.not_finite.empty()) {
        stopped = result.not_finite + " is not finite at step " + std::to_string(step);
        return;
      }
      position_.sums.add(result);
      ++position_.step;
      const double seconds = now() - clock.begin;
      position_.sums.seconds_train = clock.seconds_before + seconds;
      if (leads() && events_.on_step) {
        events_.on_step({position_.stage, position_.epoch + 1, stage().epochs, step, steps, result.loss,
                         position_.last_dice,
                         static_cast<double>(position_.sums.images - clock.images_before) / std::max(seconds, 1e-9),
                         result.gradient_norm, result.learning_rate});
      }
    }
  }

  std::vector<analysis::SubjectCounts> validate() {
    return evaluate(*network_, data().validation, group_, evaluation_batch(stage(), group_), label_kind(stage()));
  }

  /// Validates, records, keeps the best, writes the last.
  void end_epoch() {
    analysis::EpochRecord record;
    record.stage = position_.stage;
    record.epoch = position_.epoch + 1;
    const EpochSums& sums = position_.sums;
    const double steps = position_.step;
    record.step = static_cast<std::int64_t>(record.epoch) * position_.step;
    record.loss = sums.loss / steps;
    for (std::size_t i = 0; i < stage().loss.size(); ++i) {
      record.terms.push_back({stage().loss[i].term, sums.terms[i] / steps, sums.weights[i]});
    }
    record.learning_rate = sums.learning_rate;
    record.gradient_norm = sums.gradient_norm / steps;
    record.seconds_train = sums.seconds_train;
    record.seconds_data = sums.seconds_data;
    record.overhead = sums.overhead;
    record.images = sums.images;
    const double begin = now();
    record.validation = validate();
    record.seconds_validate = now() - begin;
    const double dice = analysis::mean_over_subjects(record.validation);

    ++position_.epoch;
    position_.step = 0;
    position_.sums = {};
    position_.last_dice = std::isfinite(dice) ? dice : 0;
    const bool best = dice > position_.best_dice || (position_.best_epoch == 0 && std::isfinite(dice));
    if (best) {
      position_.best_dice = dice;
      position_.best_epoch = position_.epoch;
    }
    if (leads() && events_.on_epoch) events_.on_epoch(record);
    epochs_.push_back(std::move(record));
    const double saving = now();
    if (best) save_best();
    save_last();
    position_.sums.overhead.checkpoint = now() - saving;
  }

  void report(const analysis::StageResult& result) {
    if (leads() && events_.on_stage) events_.on_stage(result);
  }

  /// Scores the stage at its best checkpoint, whose net stays in place for the next stage.
  void report_stage(const std::string& stopped) {
    trainer_.reset();
    position_.optimizer_steps = 0;
    if (position_.best_epoch > 0) {
      report_best(stopped);
    } else {
      report(background_result(position_.stage, stopped, data(), stage(), group_));
    }
  }

  void report_best(const std::string& stopped) {
    const std::optional<Position> best_position = restore_best(checkpoints_, hash(), *network_, group_);
    if (!best_position) throw AgreedError(best().string() + " is missing, the best net of stage " + stage().name);
    analysis::StageResult result;
    result.stage = position_.stage;
    result.best_epoch = best_position->best_epoch;
    result.best_dice = best_position->best_dice;
    result.stopped = stopped;
    result.validation = validate();
    const std::vector<data::Shard>& test = data().test;
    set_test_scores(score_volumes(test, group_,
                                  [&](std::size_t s) {
                                    return predict(*network_, test[s], group_.device(),
                                                   evaluation_batch(stage(), group_));
                                  }),
                    result);
    report(result);
  }

  void begin_next_stage() {
    const int next = position_.stage + 1;
    position_ = {};
    epochs_.clear();
    position_.stage = next;
    const double saving = now();
    if (position_.stage < static_cast<int>(stages_.size())) save_last();
    position_.sums.overhead.checkpoint = now() - saving;
  }

  /// Stages behind one that stopped are never trained; they score as a net that finds nothing.
  void report_skipped_stages(const std::string& stopped) {
    for (std::size_t s = static_cast<std::size_t>(position_.stage) + 1; s < stages_.size(); ++s) {
      report(background_result(static_cast<int>(s), "not begun: stage " + stage().name + " stopped, " + stopped,
                               stages_[s], config_.stages[s], group_));
    }
  }

  const TrialConfig& config_;
  const std::vector<std::string>& hashes_;
  const std::vector<StageData>& stages_;
  Group& group_;
  const fs::path& checkpoints_;
  const TrialEvents& events_;
  std::shared_ptr<model::Network> network_;
  std::optional<TensorFile> resumed_;  // on group rank 0, until the optimizer has its part
  std::optional<Trainer> trainer_;     // of the stage under way
  Position position_;
  std::vector<analysis::EpochRecord> epochs_;  // of the stage under way; after resuming, on group rank 0 alone
};

}  // namespace

std::shared_ptr<model::Network> network_of(const TrialConfig& config, const data::ShardInfo& data,
                                           torch::Device device) {
  auto network = model::make_network(config.model, data.channel_count(), data.classes.count(), config.seed);
  network->set_precision(config.precision);
  place_network(*network, device);
  return network;
}

data::LabelKind label_kind(const StageOptions& stage) {
  return stage.labels == "automatic" ? data::LabelKind::kAutomatic : data::LabelKind::kManual;
}

int evaluation_batch(const StageOptions& stage, const Group& group) {
  return std::max(1, stage.batch / group.size());
}

bool asked_to_stop(const TrialEvents& events, Group& group, const std::string& error) {
  std::vector<std::int64_t> flags = {error.empty() ? 0 : 1, events.stop_requested && events.stop_requested() ? 1 : 0};
  group.all_reduce_counts(flags);
  if (flags[0] > 0) agree(group.ranks(), error);
  return flags[1] > 0;
}

std::optional<Position> restore_best(const fs::path& checkpoints, const std::string& hash, model::Network& network,
                                     Group& group) {
  std::string position;
  together(group.ranks(), [&] {
    const fs::path file = stage_folder(checkpoints, hash) / "best.safetensors";
    if (group.rank() != 0 || !fs::exists(file)) return;
    const TensorFile contents = read_tensors(file);
    restore_network(contents, network);
    position = contents.text("position");
  });
  position = group.ranks().broadcast(position, 0);
  if (position.empty()) return std::nullopt;
  broadcast(network, group);
  return position_from_json(position);
}

analysis::StageResult background_result(int position, const std::string& stopped, const StageData& data,
                                        const StageOptions& stage, Group& group) {
  analysis::StageResult result;
  result.stage = position;
  result.stopped = stopped;
  result.validation = count_volumes(data.validation, group, label_kind(stage), background(data.validation));
  set_test_scores(score_volumes(data.test, group, background(data.test)), result);
  result.seconds.clear();  // nothing predicted it
  return result;
}

fs::path stage_folder(const fs::path& checkpoints, const std::string& hash) {
  return checkpoints / hash.substr(0, 16);
}

TrialOutcome run_trial(const TrialConfig& config, const std::vector<std::string>& hashes,
                       const std::vector<StageData>& stages, Group& group, const fs::path& checkpoints,
                       const TrialEvents& events) {
  if (stages.size() != config.stages.size() || hashes.size() != config.stages.size())
    throw std::invalid_argument("run_trial: one StageData and one hash for each stage");
  return Trial(config, hashes, stages, group, checkpoints, events).run();
}

}  // namespace crossfade::runner
