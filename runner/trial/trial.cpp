#include "runner/trial/trial.hpp"

#include <ATen/record_function.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "data/shards/class_weights.hpp"
#include "data/shards/loader.hpp"
#include "runner/evaluation/evaluator.hpp"
#include "runner/evaluation/pictures.hpp"
#include "runner/process/interval.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/ranks/failure.hpp"
#include "runner/trial/beginning.hpp"
#include "runner/trial/branch_leaver.hpp"
#include "runner/trial/patience.hpp"
#include "runner/trial/stage_net.hpp"
#include "runner/trial/state.hpp"
#include "runner/trial/trained_on.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

/// What the first stage trains on; check_data() holds the others against it.
const data::ShardInfo& first_data(const std::vector<StageData>& stages) {
  static const data::ShardInfo none;
  const std::vector<data::Shard>& train = stages.front().train;
  return train.empty() ? none : train.front().info();
}

class Trial {
 public:
  Trial(const TrialConfig& config, const std::vector<std::string>& hashes, const std::vector<StageData>& stages,
        Group& group, const fs::path& checkpoints, const TrialEvents& events, std::vector<SharedStage> shared,
        const std::string& owner)
      : config_(config),
        hashes_(hashes),
        owner_(owner.empty() ? hashes.back() : owner),
        shared_(std::move(shared)),
        stages_(stages),
        group_(group),
        checkpoints_(checkpoints),
        events_(events),
        network_(network_of(config, first_data(stages), group.device())),
        branches_(checkpoints, position_, group, events,
                  [this](const std::string& key) { return whole_checkpoint(key); }) {
    shared_.resize(hashes.size());
  }

  TrialOutcome run() {
    together(group_.ranks(), [&] {
      for (std::size_t s = 0; s < stages_.size(); ++s)
        check_data(config_.stages[s], stages_[s], stages_.front(), network_->divisor());
    });
    if (resume() == TrialOutcome::kInterrupted) return TrialOutcome::kInterrupted;
    for (; position_.stage < static_cast<int>(stages_.size()); begin_next_stage()) {
      std::string stopped;
      if (train(stopped) == TrialOutcome::kInterrupted) return TrialOutcome::kInterrupted;
      if (report_stage(stopped) == TrialOutcome::kInterrupted) return TrialOutcome::kInterrupted;
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
  const SharedStage& shared() const { return shared_[static_cast<std::size_t>(position_.stage)]; }
  fs::path last() const { return stage_folder(checkpoints_, hash()) / "last.safetensors"; }
  fs::path best() const { return best_file(checkpoints_, hash()); }
  TrialWay way() const { return {config_, hashes_, shared_, checkpoints_, owner_}; }
  bool leads() const { return group_.rank() == 0; }

  /// Group rank 0 reads; the others get position and tensors from it. Epochs and results that lie behind are said
  /// again: whoever trained them may have said them of another trial, or to another database.
  TrialOutcome resume() {
    std::string position;
    together(group_.ranks(), [&] {
      if (!leads()) return;
      resumed_ = find_beginning(way(), events_.on_warning);
      if (resumed_) position = to_json(resumed_->position);
    });
    position = group_.ranks().broadcast(position, 0);
    const Position found = position.empty() ? Position{} : position_from_json(position);
    for (; position_.stage < found.stage; ++position_.stage) {
      together(group_.ranks(), [&] {
        if (!leads()) return;
        const auto behind = last_of(way(), static_cast<std::size_t>(position_.stage));
        if (behind) say_again(behind->epochs);
      });
      if (report_best("") == TrialOutcome::kInterrupted) return TrialOutcome::kInterrupted;
    }
    position_ = found;
    together(group_.ranks(), [&] {
      if (!resumed_) return;
      say_again(resumed_->epochs);
      restore_network(resumed_->contents, *network_);
    });
    broadcast(*network_, group_);
    return TrialOutcome::kFinished;
  }

  void say_again(const std::vector<analysis::EpochRecord>& epochs) {
    epochs_ = epochs;
    for (analysis::EpochRecord epoch : epochs_) {
      epoch.stage = position_.stage;
      epoch.again = true;
      say(std::move(epoch));
    }
  }

  /// An epoch with the stage's own terms alone, those that nobody evaluated with the weight of its last step.
  void say(analysis::EpochRecord epoch) {
    if (!events_.on_epoch) return;
    const std::int64_t steps = epoch.step / epoch.epoch * stage().epochs;
    const double progress = static_cast<double>(epoch.step - 1) / static_cast<double>(steps);
    std::vector<analysis::TermValue> own;
    for (const schedules::ScheduledTerm& term : stage().loss) {
      const auto found = std::ranges::find(epoch.terms, term.term, &analysis::TermValue::term);
      own.push_back(found != epoch.terms.end()
                        ? *found
                        : analysis::TermValue{term.term, std::numeric_limits<double>::quiet_NaN(),
                                              schedules::evaluate(term.curve, progress)});
    }
    epoch.terms = std::move(own);
    events_.on_epoch(epoch);
  }

  void resume_optimizer() {
    together(group_.ranks(), [&] {
      if (resumed_ && position_.optimizer_steps > 0) restore_optimizer(resumed_->contents, trainer_->optimizer());
    });
    resumed_.reset();
    if (position_.optimizer_steps == 0) return;
    for (const auto& [name, tensor] : trainer_->optimizer().state()) group_.broadcast(tensor);
    trainer_->optimizer().set_steps(position_.optimizer_steps);
  }

  /// The net as it is, and where the trial stands. `name`: the hash of the stage, or the key of a branch.
  TensorFile checkpoint(const std::string& name) {
    if (trainer_) position_.optimizer_steps = trainer_->optimizer().steps();
    TensorFile file = save_network(*network_, config_.model, data().train.front().info().channel_count(),
                                   data().train.front().info().classes.count());
    file.metadata.insert(
        {{"trial", name}, {"variant", config_.variant}, {"owner", owner_}, {"position", to_json(position_)}});
    save_trained_on(trained_on(data().train.front()), file);
    return file;
  }

  /// The same with all that training goes on from.
  TensorFile whole_checkpoint(const std::string& name) {
    TensorFile file = checkpoint(name);
    file.metadata.emplace("epochs", to_json(epochs_));
    if (trainer_) save_optimizer(trainer_->optimizer(), file);
    return file;
  }

  void save_last() {
    together(group_.ranks(), [&] {
      if (leads()) write_tensors(last(), whole_checkpoint(hash()));
    });
  }

  void save_best() {
    together(group_.ranks(), [&] {
      if (leads()) write_tensors(best(), checkpoint(hash()));
    });
  }

  /// Trains the stage from the position on. `stopped` says what was not finite, if anything was.
  TrialOutcome train(std::string& stopped) {
    const StageOptions& options = stage();
    const data::LabelKind labels = label_kind(options);
    const data::ScanRange scans{options.first_scan, options.scans};
    const auto weights = data::median_frequency_weights(data().train, config_.loss_options.weight_cap, labels, scans);
    const std::vector<schedules::ScheduledTerm> terms = with_terms(options.loss, shared().terms);
    trainer_.emplace(*network_, terms, weights, config_.loss_options, options.optimizer, group_, events_.queue);
    resume_optimizer();
    term_names_.clear();
    for (const schedules::ScheduledTerm& term : terms) term_names_.push_back(term.term);
    std::optional<data::Loader> loader;
    together(group_.ranks(), [&] {
      loader.emplace(data().train, data::training_slices(data().train, config_.seed, labels, scans),
                     loader_options(config_, position_.stage, group_));
    });
    branches_.begin_stage(shared().branches, best());
    const std::int64_t behind = static_cast<std::int64_t>(position_.epoch) * loader->steps() + position_.step;
    // Not of one that ends where its patience had: its net is the later one of the branch that it began from.
    bool is_own = position_.optimizer_steps == behind;
    branches_.pass(is_own ? behind - 1 : behind);
    // A kill may have come between a checkpoint and the branch at it. At the end of an epoch it is left once that is
    // whole.
    if (is_own && behind > 0 && position_.step < loader->steps()) branches_.leave_at(behind);
    while (position_.epoch < options.epochs && stopped.empty() && !out_of_patience(options, position_)) {
      TrialOutcome outcome = train_epoch(*loader, stopped);
      if (!stopped.empty()) break;
      if (outcome == TrialOutcome::kFinished) outcome = end_epoch();
      if (outcome == TrialOutcome::kInterrupted) {
        save_last();
        return outcome;
      }
      is_own = true;
      branches_.leave_at(static_cast<std::int64_t>(position_.epoch) * loader->steps());
    }
    if (is_own && stopped.empty()) branches_.leave_where_patience_ended();
    branches_.pass(static_cast<std::int64_t>(options.epochs) * loader->steps());
    return TrialOutcome::kFinished;
  }

  TrialOutcome train_epoch(data::Loader& loader, std::string& stopped) {
    const std::int64_t steps_before = static_cast<std::int64_t>(position_.epoch) * loader.steps();
    const std::int64_t steps = static_cast<std::int64_t>(stage().epochs) * loader.steps();
    position_.sums.of_terms(term_names_);
    EpochClock clock{now(), position_.sums.seconds_train, position_.sums.images};
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
      if (made + 1 < loader.steps() && branches_.parts_at(steps_before + made + 1)) {
        record(trainer_->read(), steps_before, steps, clock, stopped);
        const double leaving = now();
        if (stopped.empty()) branches_.leave_at(steps_before + made + 1);
        clock.begin += now() - leaving;
      }
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

  std::vector<analysis::SubjectCounts> validate(const StopEarly& stop) {
    return evaluate(*network_, data().validation, group_, evaluation_batch(stage(), group_), label_kind(stage()), stop);
  }

  /// Validates, records, keeps the best, writes the last. Interrupted, the trial stands where its steps ended.
  TrialOutcome end_epoch() {
    analysis::EpochRecord record = record_of(position_);
    const double begin = now();
    std::vector<analysis::SubjectCounts> counts;
    const auto validation = [&](const StopEarly& stop) { counts = validate(stop); };
    if (!worked_to_the_end(events_, group_, validation)) return TrialOutcome::kInterrupted;
    record.validation = analysis::validation_dice(counts);
    record.seconds_validate = now() - begin;

    position_.add_epoch(record.validation.mean);
    const bool best = position_.best_epoch == position_.epoch;
    if (best) best_validation_ = {position_.epoch, std::move(counts)};
    if (leads()) say(record);
    epochs_.push_back(std::move(record));
    const double saving = now();
    if (best) save_best();
    save_last();
    position_.sums.overhead.checkpoint = now() - saving;
    return TrialOutcome::kFinished;
  }

  void report(const analysis::StageResult& result) {
    if (leads() && events_.on_stage) events_.on_stage(result);
  }

  /// Scores the stage at its best checkpoint, whose net stays in place for the next stage.
  TrialOutcome report_stage(const std::string& stopped) {
    trainer_.reset();
    position_.optimizer_steps = 0;
    if (position_.best_epoch > 0) return report_best(stopped);
    report(background_result(position_.stage, stopped, data(), stage(), group_));
    return TrialOutcome::kFinished;
  }

  TrialOutcome report_best(const std::string& stopped) {
    const double begin = now();
    const std::optional<Position> best_position = restore_best(checkpoints_, hash(), *network_, group_);
    if (!best_position) throw AgreedError(best().string() + " is missing, the best net of stage " + stage().name);
    analysis::StageResult result;
    result.stage = position_.stage;
    result.best_epoch = best_position->best_epoch;
    result.best_dice = best_position->best_dice;
    result.stopped = stopped;
    const std::vector<data::Shard>& test = data().test;
    const PredictVolume predict_volume = [&](std::size_t s) {
      return predict(*network_, test[s], group_.device(), evaluation_batch(stage(), group_));
    };
    const auto scoring = [&](const StopEarly& stop) {
      const bool known = best_validation_.epoch == result.best_epoch;
      result.validation = known ? best_validation_.counts : validate(stop);
      set_test_scores(score_volumes(test, group_, predict_volume, stop), result);
    };
    if (!worked_to_the_end(events_, group_, scoring)) return TrialOutcome::kInterrupted;
    result.seconds_score = now() - begin;
    // Predicted once more: only now it is known which, and all of them would fill the memory.
    draw_subjects(test, result.test, group_, predict_volume, events_.pictures, hash());
    report(result);
    return TrialOutcome::kFinished;
  }

  void begin_next_stage() {
    const int next = position_.stage + 1;
    position_ = {};
    epochs_.clear();
    best_validation_ = {};
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
  const std::string& owner_;
  std::vector<SharedStage> shared_;
  const std::vector<StageData>& stages_;
  Group& group_;
  const fs::path& checkpoints_;
  const TrialEvents& events_;
  std::shared_ptr<model::Network> network_;
  std::optional<Beginning> resumed_;     // on group rank 0, until the optimizer has its part
  std::optional<Trainer> trainer_;       // of the stage under way
  std::vector<std::string> term_names_;  // that the trainer has
  Position position_;
  BranchLeaver branches_;
  struct {
    int epoch = 0;
    std::vector<analysis::SubjectCounts> counts;
  } best_validation_;                          // of the stage's best epoch, where it was not trained before a resume
  std::vector<analysis::EpochRecord> epochs_;  // of the stage under way; after resuming, on group rank 0 alone
};

}  // namespace

TrialOutcome run_trial(const TrialConfig& config, const std::vector<std::string>& hashes,
                       const std::vector<StageData>& stages, Group& group, const fs::path& checkpoints,
                       const TrialEvents& events, const std::vector<SharedStage>& shared, const std::string& owner) {
  if (stages.size() != config.stages.size() || hashes.size() != config.stages.size())
    throw std::invalid_argument("run_trial: one StageData and one hash for each stage");
  return Trial(config, hashes, stages, group, checkpoints, events, shared, owner).run();
}

}  // namespace crossfade::runner
