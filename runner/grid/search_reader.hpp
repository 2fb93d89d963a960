// The key `search` of a grid.
#pragma once

#include "runner/grid/config.hpp"
#include "runner/grid/document.hpp"

namespace crossfade::runner {

/// Reads `search` of a grid whose trials are known, and expands points of its space to see that trials can be made of
/// them: all where there are not many, otherwise those at the ends of the ranges and some with each value. Throws
/// GridError for what is wrong with it or its settings, for constraints that leave its method nothing to begin with,
/// and for what a fair comparison does not stand: seeds that variants train with, too, unlike seeds or folds of the
/// variants, seeds in the settings, several folds, a sweep, unlike labels to validate on.
Search read_search(const Value& grid, const Study& study);

}  // namespace crossfade::runner
