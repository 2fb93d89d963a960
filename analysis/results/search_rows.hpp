// Rows of a study's search. Private to analysis/; called within a transaction.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"

namespace crossfade::analysis {

/// Replaces the study's search; another one takes its candidates with it.
void register_search(SQLite::Database& db, std::int64_t study, const SearchRecord& search);

/// Replaces the candidate of that position. Its trials are not in_grid.
std::vector<TrialStatus> register_candidate(SQLite::Database& db, std::int64_t study, const CandidateRecord& candidate);

/// Nothing where a trial of the candidate is not finished.
std::optional<CandidateResult> candidate_result(SQLite::Database& db, std::int64_t study, int candidate);

/// Forgets candidates from `count` on, and names the rows of those that are finalists, by candidate.
void keep_candidates(SQLite::Database& db, std::int64_t study, int count, const std::map<int, std::string>& finalists);

}  // namespace crossfade::analysis
