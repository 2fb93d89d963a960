// Trials that all ranks work on together until none is left: a grid's, or those of one round of its search.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "runner/process/profile.hpp"
#include "runner/ranks/communicator.hpp"
#include "runner/ranks/group.hpp"
#include "runner/ranks/workers.hpp"
#include "runner/study/ledger.hpp"
#include "runner/study/step_log.hpp"
#include "runner/study/study.hpp"

namespace crossfade::runner {

struct Batch {
  Study study;         // with the trials of the batch
  std::string title;   // "study NAME: 8 trials"
  bool quiet = false;  // says nothing where nothing is to be run
  // On rank 0 alone:
  std::vector<analysis::TrialStatus> states{};  // of the trials
  OtherTrials others{};                         // of the search that the batch is of
};

/// The same on all ranks.
struct BatchResult {
  int failed = 0;        // trials
  int open = 0;          // trials that are not finished
  bool stopped = false;  // by a signal
};

/// The ranks of a study and what they have in common from batch to batch. All calls are collective over the world.
class BatchRunner {
 public:
  /// References outlive the runner. `steps`, `profile`: nullptr where there is none.
  BatchRunner(World& world, const StudyOptions& options, const Workers& workers, StepLog* steps, StepProfile* profile);

  /// `ledger`: on rank 0. Prepares cohorts, hands out what is open and chosen by --only, and returns once nobody works
  /// any more. Throws AgreedError where nothing could start.
  BatchResult run(const Batch& batch, Ledger& ledger);

 private:
  World& world_;
  const StudyOptions& options_;
  const Workers& workers_;
  StepLog* steps_;
  StepProfile* profile_;
  Communicator channel_, ranks_;
  std::optional<Group> group_;  // once there is work: NCCL takes its time
};

}  // namespace crossfade::runner
