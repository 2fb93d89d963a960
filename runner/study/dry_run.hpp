// What --dry-run prints.
#pragma once

#include <string>

#include "runner/grid/config.hpp"

namespace crossfade::runner {

/// Variant, seed, and fold where there are several: what --only looks in.
std::string trial_name(const TrialConfig& trial, const Study& study);

/// On standard output: cohorts whose grid is derived, with it, and every trial. Throws as open_cohorts().
void list_trials(const Study& study);

/// On standard output: the space of the study's search, and what all its points would cost; nothing where there is
/// none.
void list_search(const Study& study);

/// On standard output: what trials train alike, by the grid alone, with a hundred steps an epoch; nothing where there
/// is nothing.
void list_sharing(const Study& study);

}  // namespace crossfade::runner
