// The key `search` of a grid, and the trials of its points.
#pragma once

#include <string>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/grid/document.hpp"

namespace crossfade::runner {

/// Reads `search` of a grid whose trials are known, and expands points of its space to see that trials can be made of
/// them: all where there are not many, otherwise those at the ends of the ranges. Throws GridError for what is wrong
/// with it or its settings, for constraints that leave its method nothing to begin with, and for what a fair comparison
/// does not stand: seeds that variants train with, too, unlike seeds or folds of the variants, seeds in the settings,
/// several folds, a sweep.
Search read_search(const Value& grid, const Study& study);

/// Rows of Table 1 that the search makes: SearchOptions::name, and for further finalists "NAME (2)".
std::vector<std::string> finalist_names(const SearchOptions& options);

/// That each finalist is better than each variant of the grid, in the order of these.
std::vector<analysis::Claim> search_claims(const Study& study);

/// The trials of points, which are not tested: a variant "NAME [first=0.3, second=0.6]" a point, with each seed of the
/// search. Throws GridError where no trial can be made of a point. Precondition: the study has a search.
std::vector<TrialConfig> candidate_trials(const Study& study, const std::vector<Point>& points);

/// The same as rows of Table 1, with the seeds of `defaults`, and tested. Precondition: no more points than finalists.
std::vector<TrialConfig> finalist_trials(const Study& study, const std::vector<Point>& points);

/// The settings of a point as YAML, ready to stand as a variant.
std::string settings_yaml(const std::string& grid_text, const Search& search, const Point& point);

}  // namespace crossfade::runner
