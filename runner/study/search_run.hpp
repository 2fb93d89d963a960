// A study's search, round by round: what is tried next follows from what was found, in the database, before.
#pragma once

#include <vector>

#include "runner/study/batch.hpp"
#include "runner/study/ledger.hpp"

namespace crossfade::runner {

/// The same on all ranks.
struct SearchOutcome {
  BatchResult last;                    // of the round that the search is not past
  bool ended = false;                  // by its method or budget
  std::vector<TrialConfig> finalists;  // trials of rows that the grid does not have; of a search that has ended
};

/// Collective. Runs rounds until the search ends, or a candidate's trials are not all finished. Then registers the
/// finalists; a finalist that is a variant of the grid is that row. `ledger`: on rank 0, whose states are joined by
/// those of the finalists. Throws AgreedError as BatchRunner::run(), and GridError's words where no trial can be made
/// of a point.
SearchOutcome run_search(World& world, const Study& study, const StudyOptions& options, BatchRunner& runner,
                         Ledger& ledger);

}  // namespace crossfade::runner
