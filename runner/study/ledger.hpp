// What rank 0 alone has of a study: its database, the cohorts it has opened, and which trials the database knows.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "runner/process/lock_file.hpp"
#include "runner/ranks/workers.hpp"
#include "runner/study/cohorts.hpp"
#include "runner/study/shared_trials.hpp"
#include "runner/study/study.hpp"

namespace crossfade::runner {

struct Ledger {
  std::unique_ptr<LockFile> lock;
  std::optional<analysis::ResultsDatabase> database;  // none where a study is only measured
  Study whole;                                        // with candidates of its search: whatever these need is needed
  OpenedCohorts cohorts;
  std::map<std::string, data::CohortHashes> hashes;  // of the cohorts
  CohortHashList hash_list;                          // the same, of which trials' hashes are made
  CohortPlans plans;                                 // with folders' names alone
  std::vector<analysis::TrialStatus> states;         // of the grid's trials
  bool prepared = false;
};

/// The file that --results names, or that of the study's name.
std::filesystem::path results_file(const Study& study, const StudyOptions& options);

/// Opens the cohorts that `whole` needs. Throws std::runtime_error as open_cohorts(), check_study() and
/// splits_in_use().
void plan_cohorts(const Study& whole, Ledger& ledger);

/// Opens database and cohorts, and registers the grid's trials. Throws std::runtime_error saying what is wrong with the
/// results' path, a cohort, or how the two go together.
void open_ledger(World& world, const Study& study, const StudyOptions& options, const Workers& workers, Ledger& ledger);

/// Rows of the database. `hashes`: stage_hashes() of each.
std::vector<analysis::TrialRecord> trial_records(const std::vector<TrialConfig>& trials, const OpenedCohorts& cohorts,
                                                 const std::vector<std::vector<std::string>>& hashes);

/// stage_hashes() of each.
std::vector<std::vector<std::string>> hashes_of(const std::vector<TrialConfig>& trials, const Study& study,
                                                const CohortHashList& cohort_hashes);

/// Makes what shards are missing, once.
void prepare_once(Ledger& ledger, const StudyOptions& options);

/// The plans with `parent` before their folders. A path may be of any bytes, which text on its way to other ranks may
/// not: so each rank puts its own before the names.
CohortPlans below(const std::filesystem::path& parent, CohortPlans plans);

}  // namespace crossfade::runner
