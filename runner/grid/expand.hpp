// From variants, sweep, folds and seeds to trials.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/grid/document.hpp"

namespace crossfade::runner {

/// The trials of a grid in order: variant, sweep (its first key slowest), fold, seed. Values come from the structs'
/// defaults, `defaults`, the variant and the sweep, each over the one before. Throws GridError for what is wrong with
/// any of them, for what a trial still lacks, for two trials that are the same, and, where these are `all` trials of
/// the grid, for a --set below `defaults` that reaches none.
std::vector<TrialConfig> expand_trials(const Value& grid,
                                       const std::vector<std::pair<std::string, data::CohortSpec>>& cohorts,
                                       bool all = true);

/// Why the net of `who` ("variant 'A'") can't be trained on slices of `sides` (width, height) pixels in this stage;
/// empty where it can.
std::string size_fault(const model::ModelOptions& model, const std::string& who, const StageOptions& stage,
                       const std::array<int, 2>& sides);

}  // namespace crossfade::runner
