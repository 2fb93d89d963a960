// The data of a study: which cohorts its trials need, in slices of which planes, prepared and opened.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/trial/trial.hpp"

namespace crossfade::runner {

/// Throws std::logic_error for a name that the grid does not have.
const data::CohortSpec& cohort_of(const Study& study, const std::string& name);

/// Those that some trial needs, in the order of the grid.
std::vector<std::pair<std::string, data::CohortSpec>> cohorts_in_use(const Study& study);

/// Folders of axial shards by cohort. Those of another plane lie beside them, see folder_of_plane().
using CohortFolders = std::map<std::string, std::filesystem::path>;

std::filesystem::path folder_of_plane(const std::filesystem::path& axial, const std::string& plane);

/// Makes the shards that are missing, of every plane that some trial needs. On one process of a study; waits for
/// another study that makes the same ones. Throws std::runtime_error naming the offending file.
void prepare_cohorts(const Study& study, const CohortFolders& folders);

/// The shards of each stage, for each of views_of(trial.views). Throws std::runtime_error for a shard that can't be
/// opened, and where a subject that some stage learns from is tested in any.
std::vector<std::vector<StageData>> open_data(const Study& study, const TrialConfig& trial,
                                              const CohortFolders& folders);

}  // namespace crossfade::runner
