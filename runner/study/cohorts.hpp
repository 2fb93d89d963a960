// The data of a study: which cohorts its trials need, in slices of which planes, prepared and opened.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/trial/stage_data.hpp"

namespace crossfade::runner {

/// Throws std::logic_error for a name that the grid does not have.
const data::CohortSpec& cohort_of(const Study& study, const std::string& name);

/// Those that some trial needs, in the order of the grid.
std::vector<std::pair<std::string, data::CohortSpec>> cohorts_in_use(const Study& study);

/// By name, on rank 0.
using OpenedCohorts = std::map<std::string, data::Cohort>;

/// Those in use. Throws std::runtime_error naming the cohort.
OpenedCohorts open_cohorts(const Study& study);

/// What only opened cohorts can be asked: one list of classes in the study, sides of slices that suit the nets, kinds
/// of labels, channels, structures of claims. Throws std::runtime_error naming what does not go together.
void check_study(const Study& study, const OpenedCohorts& opened);

/// What every rank needs of a cohort that rank 0 has opened.
struct CohortPlan {
  std::filesystem::path folder;  // of its shards in the plane that it is cut in; others lie beside, folder_of_plane()
  std::map<int, data::Split> splits;                // of the folds in use
  std::map<std::string, std::string> persons = {};  // data::persons_of()
};
using CohortPlans = std::map<std::string, CohortPlan>;

/// The person whose scan a subject of the cohort is; a subject of which nothing is said is one itself.
std::string person_of(const std::string& subject, const CohortPlan& plan);

/// The persons of all cohorts. Throws std::runtime_error naming a subject that is of one person here and another there.
std::map<std::string, std::string> persons_of(const CohortPlans& plans);

/// All subjects of the opened cohorts, and whom the grid's cohorts name: those to leave out or to test.
std::set<std::string> subjects_of(const Study& study, const OpenedCohorts& opened);

/// Throws std::runtime_error naming the cohort where its split does not fit its subjects.
std::map<int, data::Split> splits_in_use(const Study& study, const std::string& name, const data::Cohort& cohort);

std::filesystem::path folder_of_plane(const std::filesystem::path& axial, const std::string& plane);

/// Makes the shards that are missing, of every plane that some trial needs. On one process of a study; waits for
/// another study that makes the same ones. `alive` is called behind each subject. Throws std::runtime_error naming the
/// offending file.
void prepare_cohorts(const Study& study, const OpenedCohorts& opened,
                     const std::map<std::string, data::CohortHashes>& hashes, const CohortPlans& plans,
                     const std::function<void()>& alive);

/// Who is in which part of each stage. Throws std::runtime_error where a stage is to train on more than there are, and
/// where a subject that some stage learns from, or another scan of that person, is tested in any.
std::vector<data::Split> splits_of(const TrialConfig& trial, const CohortPlans& plans);

/// The shards of each stage, for each of views_of(trial.views). Throws std::runtime_error for a shard that can't be
/// opened, and as splits_of().
std::vector<std::vector<StageData>> open_data(const TrialConfig& trial, const CohortPlans& plans);

}  // namespace crossfade::runner
