// What a search has tried, as SVG. Private to analysis/.
#pragma once

#include <optional>

#include "analysis/figures/svg.hpp"
#include "analysis/tables/search.hpp"

namespace crossfade::analysis {

/// Candidates that have a score, in the order tried.
std::vector<SearchedPoint> scored_points(const SearchTable& table);

/// Each candidate at its values of two dimensions, moments before others (of one dimension, its value and Dice),
/// coloured by validation Dice, with the number of its place in the order tried, finalists in a ring; a moment that
/// never comes is at 1. Candidates that differ in a third dimension alone stand around their place, the best in the
/// middle, and without a number where they are many. None where no candidate has a score.
std::optional<Drawing> search_map(const SearchTable& table);

/// The best validation Dice so far against the epochs trained. None where no candidate has a score.
std::optional<Drawing> search_course(const SearchTable& table);

/// A line a candidate, in the order tried: from the epoch on where it leaves what earlier ones have trained (all
/// candidates being equally long), in the colour of its Dice. None where no candidate has a score.
std::optional<Drawing> search_forest(const SearchTable& table);

}  // namespace crossfade::analysis
