// What the trials of a study train alike, and how the queue knows of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/study/cohorts.hpp"
#include "runner/study/forest.hpp"
#include "runner/study/queue.hpp"

namespace crossfade::runner {

/// By cohort.
using CohortHashList = std::vector<std::pair<std::string, std::string>>;

/// The hashes of a trial's stage_rows(): stage_hashes(), beginning_hashes().
struct TrialHashes {
  std::vector<std::string> stages, beginnings;
  bool open = true;  // not finished
};

TrialHashes trial_hashes(const TrialConfig& trial, const Study& study, const CohortHashList& cohort_hashes);

/// The cohorts' names in place of their hashes: for what is planned by the grid alone, with no cohort opened.
CohortHashList names_as_hashes(const Study& study);

/// The forest of all nets of a study.
struct SharedTrials {
  struct Row {
    std::size_t trial, row;  // of stage_rows()
  };
  std::vector<Row> rows;  // of the forest's paths
  Forest forest;
  std::vector<std::vector<SharedStage>> stages;  // of each trial's stage_rows()
  std::vector<std::vector<std::int64_t>> steps;  // the same; 0 for a vote and where nothing is trained
};

/// Steps of each of a trial's stage_rows(); 0 where they are not known, and nothing is shared then.
using StepsOf = std::function<std::vector<std::int64_t>(const TrialConfig& trial)>;

SharedTrials share_trials(const std::vector<TrialConfig>& trials, const std::vector<TrialHashes>& hashes,
                          const StepsOf& steps_of);

/// A hundred an epoch: for what is planned by the grid alone.
constexpr int kNominalSteps = 100;
std::vector<std::int64_t> nominal_steps(const TrialConfig& trial);

/// Those of the prepared shards; none of a trial whose training shards can't be opened, which says so itself. `cohorts`
/// must outlive it.
StepsOf prepared_steps(const CohortPlans& cohorts);

/// Trials whose ways count when others are run.
struct OtherTrials {
  std::vector<TrialConfig> past{};   // may have left what is begun from
  std::vector<TrialConfig> ahead{};  // may come: what they would begin from is left, and kept
};

/// Makes the hashes of each trial's stage_rows() such that it finds no checkpoint of another; its own last one stays.
void train_alone(std::vector<std::vector<std::string>>& hashes);

/// Epochs that trials train, by the grid alone: each for itself, and in the forest.
struct ForestEpochs {
  double alone = 0, shared = 0;
};
ForestEpochs forest_epochs(const std::vector<TrialConfig>& trials, const std::vector<TrialHashes>& hashes);

/// "7", "7.25" or "12408".
std::string epochs_text(double epochs);

/// Once the cohorts are prepared, on rank 0: plans what trials share (with `share`), and tells the queue of their ways
/// and of what is there. `others`: trials of a search that are not run now. Returns the shared stages of each trial's
/// stage_rows(). A trial whose training shards can't be opened shares nothing; it says so itself.
std::vector<std::vector<SharedStage>> plan_sharing(const Study& study, bool share, const CohortHashList& cohort_hashes,
                                                   const CohortPlans& cohorts, const std::filesystem::path& checkpoints,
                                                   const std::vector<std::vector<std::string>>& hashes,
                                                   const OtherTrials& others, QueuedStudy& queue);

}  // namespace crossfade::runner
