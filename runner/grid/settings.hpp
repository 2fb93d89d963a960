// What `defaults` and each variant of a grid may say, and the cohorts they refer to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/grid/document.hpp"

namespace crossfade::runner {

struct Settings {
  std::vector<std::uint64_t> seeds = {1};
  std::optional<std::vector<int>> folds;                     // nothing: all of the cohort's
  std::map<int, std::vector<std::uint64_t>> seeds_of_folds;  // in place of `seeds`
  std::string method = "net";
  model::Precision precision = model::Precision::kFp32;
  AtlasOptions atlas;
  model::ModelOptions model;
  OptimizerOptions optimizer;
  std::vector<schedules::ScheduledTerm> loss;
  schedules::LossOptions loss_options;
  ViewOptions views;
  std::vector<StageOptions> stages;
};

/// Checks each value for itself; what is missing is seen only once variant and defaults are merged. Throws GridError.
Settings read_settings(const Value& map, const std::string& path);

/// Integers, each once. Throws GridError.
std::vector<std::uint64_t> read_seeds(const Value& list, const std::string& path);

/// Checks the split against the number of subjects where the grid says that number. Throws GridError.
std::vector<std::pair<std::string, data::CohortSpec>> read_cohorts(const Value& map);

/// `variants`, `valid`: the names of variants and of structures that may be referred to (no structures: any). Throws
/// GridError.
std::vector<analysis::Claim> read_claims(const Value& map, const std::vector<std::string>& variants,
                                         const std::vector<std::string>& valid);

/// Names that become names of files and columns: letters, digits, '-', '_' and '.', and not "." or "..".
void require_name(const std::string& name, const Place& place, const std::string& what);

/// Names of the structures that claims may name, by the first cohort; empty where a data set is yet to say them.
std::vector<std::string> structures_of(const std::vector<std::pair<std::string, data::CohortSpec>>& cohorts);

}  // namespace crossfade::runner
