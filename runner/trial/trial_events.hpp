// What a trial says while it runs, and what it is asked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "analysis/results/results.hpp"
#include "runner/process/profile.hpp"
#include "runner/ranks/group.hpp"
#include "runner/trial/branches.hpp"
#include "runner/trial/progress.hpp"
#include "runner/trial/queue_options.hpp"

namespace crossfade::runner {

/// Called on group rank 0 alone, except `stop_requested`, which is asked on every rank after each step and before each
/// volume that a net is validated or scored on (any rank's yes stops all). `on_epoch` and `on_stage` return before the
/// checkpoint that passes that point is written, so that what a checkpoint has behind it is in the database. A resumed
/// trial may say an epoch again, with the same numbers, and does so, marked as `again`, with all that its checkpoints
/// have behind them: the database may be another one than theirs.
struct TrialEvents {
  std::function<void(const TrialProgress&)> on_step;
  std::function<void(const analysis::EpochRecord&)> on_epoch;
  std::function<void(const analysis::StageResult&)> on_stage;
  std::function<void(const std::string& key, BranchOutcome)> on_branch;  // each branch to leave, once
  std::function<void(const std::string&)> on_warning;                    // of what a trial can do without
  std::function<bool()> stop_requested;
  StepProfile* profile = nullptr;   // records some of this rank's steps; nullptr: none
  QueueOptions queue;               // read_every: steps that on_step hears of together
  std::uintmax_t branch_bytes = 0;  // a branch that does not fit into so many with all that are there is passed
  std::filesystem::path pictures;   // where test subjects are drawn at a stage's end, by its hash; empty: they are not
};

enum class TrialOutcome { kFinished, kInterrupted };

/// Whether any rank has been asked to stop. If any rank comes with an `error`, all throw as agree() does. Collective,
/// one reduction for both questions.
bool asked_to_stop(const TrialEvents& events, Group& group, const std::string& error = {});

/// Does `work`, which asks from time to time whether to leave out the rest. Whether it came to its end on all ranks.
/// Collective.
bool worked_to_the_end(const TrialEvents& events, Group& group,
                       const std::function<void(const std::function<bool()>& stop)>& work);

}  // namespace crossfade::runner
