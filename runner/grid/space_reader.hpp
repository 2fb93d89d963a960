// The keys `search.space` and `search.constraints` of a grid.
#pragma once

#include <cstddef>

#include "runner/grid/document.hpp"
#include "runner/search/space.hpp"

namespace crossfade::runner {

inline constexpr std::size_t kMostValues = 100'000;  // of one dimension, and points of a grid

/// What `map` varies of `settings`, by the ends of epochs where a range of moments has no step: their number is that of
/// the settings, or of the grid's defaults. `constraints`: nullptr where there are none. Throws GridError for what is
/// wrong with either, for a name that stands nowhere in the settings, and for one there that the space lacks.
Space read_space(const Value& map, const Value* constraints, const Value& grid, const Value& settings);

}  // namespace crossfade::runner
