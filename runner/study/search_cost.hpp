// What a search would train, by the grid alone.
#pragma once

#include <cstddef>
#include <optional>

#include "runner/grid/config.hpp"
#include "runner/study/shared_trials.hpp"

namespace crossfade::runner {

struct SearchCost {
  std::size_t points = 0;
  ForestEpochs epochs;  // of all seeds
};

/// Of all points that the method may try (tried_space()). Nothing where there is no end to them, or too many to be
/// counted. Precondition: the study has a search.
std::optional<SearchCost> cost_of_search(const Study& study);

/// Throws std::runtime_error where search.budget.epochs is less than the first candidate takes. Does nothing for a
/// study without a search.
void require_budget(const Study& study);

}  // namespace crossfade::runner
