// The result of a stage and the scores of its subjects. Private to analysis/; called within a transaction.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>

#include "analysis/results/results.hpp"

namespace crossfade::analysis {

/// Row of a trial's stage, `position` counted from 0. Throws std::runtime_error where there is none.
std::int64_t stage_id(SQLite::Database& db, std::int64_t trial, int position);

/// `counts` if they are of the classes of the trial's study, zeros of these for empty ones. Throws std::runtime_error
/// for counts of more or fewer classes.
Counts counts_of_study(SQLite::Database& db, std::int64_t trial, const Counts& counts);

/// Replaces the stage's result. Throws as stage_id() and counts_of_study(), or SQLite::Exception.
void store_result(SQLite::Database& db, std::int64_t trial, const StageResult& result);

/// Drops the results that rest on the epochs of stage row `stage`: its own, those of later stages of its plane with
/// their epochs, and those of votes.
void drop_results_from(SQLite::Database& db, std::int64_t stage);

}  // namespace crossfade::analysis
