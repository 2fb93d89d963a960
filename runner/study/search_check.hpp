// Whether a search looks at none of the subjects that its study tests, and compares like with like.
#pragma once

#include <span>

#include "runner/grid/config.hpp"
#include "runner/study/cohorts.hpp"

namespace crossfade::runner {

/// The study, and behind its trials those of candidates that together name each cohort and plane that any point of its
/// space does: what later rounds need is known, and asked, before anything starts.
Study with_candidates(Study study);

/// `variants`: trials of the grid. `candidates`: of points that together name each cohort that any point does. Throws
/// std::runtime_error where a candidate learns from a person that a variant tests, be it by what it is ranked on, where
/// candidates are ranked on unlike persons, and where a finalist would be tested on others than a variant in a stage of
/// the same name. Does nothing where there are no candidates.
void check_search(std::span<const TrialConfig> variants, std::span<const TrialConfig> candidates,
                  const CohortPlans& plans);

}  // namespace crossfade::runner
