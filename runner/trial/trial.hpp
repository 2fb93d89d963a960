// One trial, by the ranks of one group: training, validation each epoch, test at the best checkpoint.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "data/shards/shard.hpp"
#include "runner/grid/config.hpp"
#include "runner/process/profile.hpp"
#include "runner/ranks/group.hpp"
#include "runner/trial/branches.hpp"
#include "runner/trial/progress.hpp"
#include "runner/trial/queue_options.hpp"
#include "runner/trial/state.hpp"

namespace crossfade::runner {

/// The shards of a stage's parts, opened by each rank for itself.
struct StageData {
  std::vector<data::Shard> train, validation, test;
};

/// The labels that training and validation see.
data::LabelKind label_kind(const StageOptions& stage);

/// Called on group rank 0 alone, except `stop_requested`, which is asked on every rank after each step (any rank's yes
/// stops all). `on_epoch` and `on_stage` return before the checkpoint that passes that point is written, so that what a
/// checkpoint has behind it is in the database. A resumed trial may say an epoch again, with the same numbers, and does
/// so, marked as `again`, with all that its checkpoints have behind them: the database may be another one than theirs.
struct TrialEvents {
  std::function<void(const TrialProgress&)> on_step;
  std::function<void(const analysis::EpochRecord&)> on_epoch;
  std::function<void(const analysis::StageResult&)> on_stage;
  std::function<void(const std::string& key, BranchOutcome)> on_branch;  // each branch to leave, once
  std::function<bool()> stop_requested;
  StepProfile* profile = nullptr;   // records some of this rank's steps; nullptr: none
  QueueOptions queue;               // read_every: steps that on_step hears of together
  std::uintmax_t branch_bytes = 0;  // a branch that does not fit into so many with all that are there is passed
  std::filesystem::path pictures;   // where test subjects are drawn at a stage's end, by its hash; empty: they are not
};

enum class TrialOutcome { kFinished, kInterrupted };

/// The folder of a stage's checkpoints, by its hash: trials whose leading stages are the same share them.
std::filesystem::path stage_folder(const std::filesystem::path& checkpoints, const std::string& hash);

/// Collective over `group`. `hashes` are those of the stages, from stage_hashes(); `shared` is of each stage, or empty:
/// nothing is. Each stage keeps last.safetensors and best.safetensors in its folder below `checkpoints`; the trial goes
/// on from the last stage that has one, or from the last branch that is there, trained by this trial or by another,
/// says the epochs and results behind it again, and begins otherwise. An interrupted trial has written its state at the
/// step it stopped at. Wherever it goes on, it ends bit for bit as if it had trained all by itself; but a term that was
/// not evaluated then is NaN in the epochs that it takes over, and their seconds count as shared. A loss or gradient
/// that is not finite ends the trial as finished, with the reason in its StageResult. Throws AgreedError where the data
/// or the disk are at fault; the group is then ready for another trial. So it is after any error of a group of one; in
/// a larger one, another error (out of memory in a step, say) leaves the others waiting in a collective, and the world
/// must be ended.
TrialOutcome run_trial(const TrialConfig& config, const std::vector<std::string>& hashes,
                       const std::vector<StageData>& stages, Group& group, const std::filesystem::path& checkpoints,
                       const TrialEvents& events, const std::vector<SharedStage>& shared = {});

// What a vote over the nets of several trials shares with one.

/// The trial's net as it begins, for shards like `data`, where and how it is trained.
std::shared_ptr<model::Network> network_of(const TrialConfig& config, const data::ShardInfo& data,
                                           torch::Device device);

/// Slices that this rank predicts at a time.
int evaluation_batch(const StageOptions& stage, const Group& group);

/// Whether any rank has been asked to stop. If any rank comes with an `error`, all throw as agree() does. Collective,
/// one reduction for both questions.
bool asked_to_stop(const TrialEvents& events, Group& group, const std::string& error = {});

/// Puts the best net of the stage with this hash into `network` on every rank, read by group rank 0. Returns where the
/// trial stood then, or nothing where there is no best checkpoint. Collective.
std::optional<Position> restore_best(const std::filesystem::path& checkpoints, const std::string& hash,
                                     model::Network& network, Group& group);

/// The result of a stage that has no checkpoint, and why: the scores of a prediction of class 0 everywhere. `position`
/// is the stage's own in events. Collective.
analysis::StageResult background_result(int position, const std::string& stopped, const StageData& data,
                                        const StageOptions& stage, Group& group);

}  // namespace crossfade::runner
