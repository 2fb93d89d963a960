// Rows of a study's search. Private to analysis/; called within a transaction.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"

namespace crossfade::analysis {

/// Replaces the study's search; another one takes its candidates with it, and its finalists' trials from the views but
/// for those that the grid has.
void register_search(SQLite::Database& db, std::int64_t study, const SearchRecord& search,
                     const std::set<std::int64_t>& grid);

/// Replaces the candidate of that position. Its trials are not in_grid. Where that had other trials, finalists and the
/// candidates behind it followed from them: they are forgotten as by another search.
std::vector<TrialStatus> register_candidate(SQLite::Database& db, std::int64_t study, const CandidateRecord& candidate,
                                            const std::set<std::int64_t>& grid);

/// Nothing where a trial of the candidate is not finished.
std::optional<CandidateResult> candidate_result(SQLite::Database& db, std::int64_t study, int candidate);

/// Hashes of the trials that the views leave out.
std::set<std::string> hashes_outside_grid(SQLite::Database& db, std::int64_t study);

/// Forgets candidates from `count` on, and names the rows of those that are finalists, by candidate, in place of the
/// finalists that there were, whose trials leave the views but for those that the grid has.
void keep_candidates(SQLite::Database& db, std::int64_t study, int count, const std::map<int, std::string>& finalists,
                     const std::set<std::int64_t>& grid);

}  // namespace crossfade::analysis
