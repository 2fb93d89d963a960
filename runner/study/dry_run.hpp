// What --dry-run prints.
#pragma once

#include <string>
#include <vector>

#include "runner/grid/config.hpp"

namespace crossfade::runner {

/// Variant, seed, and fold where there are several: what --only looks in.
std::string trial_name(const TrialConfig& trial, const Study& study);

/// Throws std::runtime_error where --only names what no trial's name has; of a search the candidates aren't known yet.
void require_chosen(const Study& study, const std::vector<std::string>& only);

/// On standard output: what is to be said of the cohorts, their grids where these are derived, and every trial that
/// `only` chooses (none: all). Opens all cohorts, and throws for what the study would refuse of them: as
/// open_cohorts(), check_study(), splits_of() and check_search().
void list_trials(const Study& study, const std::vector<std::string>& only);

/// On standard output: the space of the study's search, and what all its points would cost; nothing where there is
/// none.
void list_search(const Study& study);

/// On standard output: what trials train alike, by the grid alone, with a hundred steps an epoch; nothing where there
/// is nothing.
void list_sharing(const Study& study);

}  // namespace crossfade::runner
