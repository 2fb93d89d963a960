// The loss of a grid: {TERM: WEIGHT} or {TERM: {SHAPE: {PROGRESS: WEIGHT, ...}}}.
#pragma once

#include <string>
#include <vector>

#include "runner/grid/document.hpp"
#include "schedules/schedule.hpp"

namespace crossfade::runner {

/// Terms in the order of the grid. Throws GridError for an unknown term or shape, a weight that is no number from 0 to
/// 1e6, points that do not rise from 0 to 1, and a loss that is 0 at its beginning, its end or a switch.
std::vector<schedules::ScheduledTerm> read_loss(const Value& map, const std::string& path);

}  // namespace crossfade::runner
