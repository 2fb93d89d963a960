// The trials of a search's points, and the rows of Table 1 that it makes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/grid/document.hpp"

namespace crossfade::runner {

/// Rows of Table 1 that the search makes: SearchOptions::name, and for further finalists "NAME (2)".
std::vector<std::string> finalist_names(const SearchOptions& options);

/// What is tested, and with which seeds: "'schedule found' beside 3 variants, with seeds 1, 2 each, once".
std::string test_plan(const Study& study);

/// Seeds of a variant's trials, in their order.
std::vector<std::uint64_t> seeds_of(const std::vector<TrialConfig>& trials, const std::string& variant);

/// That each finalist is better than each variant of the grid, in the order of these and in the last column that both
/// have.
std::vector<analysis::Claim> search_claims(const Study& study);

/// The trials of a grid with the point for its one variant, with `seeds` in place of the defaults' where there are any.
/// Throws GridError that names the point where no trial can be made of it.
std::vector<TrialConfig> trials_at(Value grid, const Space& space, const Point& point, const std::string& variant,
                                   const std::vector<std::uint64_t>& seeds,
                                   const std::vector<std::pair<std::string, data::CohortSpec>>& cohorts);

/// The trials of points, which are not tested: a variant "NAME [first=0.3, second=0.6]" a point, with each seed of the
/// search. Throws GridError where no trial can be made of a point. Precondition: the study has a search.
std::vector<TrialConfig> candidate_trials(const Study& study, const std::vector<Point>& points);

/// The same as rows of Table 1, with the seeds of `defaults`, and tested. Precondition: no more points than finalists.
std::vector<TrialConfig> finalist_trials(const Study& study, const std::vector<Point>& points);

/// Throws GridError where settings of a search have seeds: they would be those of candidates and of finalists alike.
void refuse_seeds(const Value& settings);

}  // namespace crossfade::runner
