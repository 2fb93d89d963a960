// Rows of studies, runs, variants and trials. Private to analysis/; called within a transaction.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"

namespace crossfade::analysis {

/// Each adds its row or brings it up to date, and returns its id. Throw SQLite::Exception.
std::int64_t register_study(SQLite::Database& db, const StudyRecord& study);
std::int64_t register_run(SQLite::Database& db, std::int64_t study, const std::string& grid_hash, const Provenance& p);

/// The classes that the study's trials are scored in, in place of those it had. Throws std::runtime_error where it has
/// scores in others, by the first that differs.
void register_classes(SQLite::Database& db, std::int64_t study, const data::Classes& classes);

/// Replaces the study's persons (StudyRecord::persons).
void register_persons(SQLite::Database& db, std::int64_t study, const std::map<std::string, std::string>& persons);

/// Adds to the study's subjects (StudyRecord::subjects): commands and errors of earlier runs may name others.
void register_subjects(SQLite::Database& db, std::int64_t study, const std::set<std::string>& subjects);

/// Replaces the study's claims.
void register_claims(SQLite::Database& db, std::int64_t study, const std::vector<Claim>& claims);

/// `source`: "grid" or "score". Throws std::runtime_error where the study has a variant of that name from the other.
void check_variant_name(SQLite::Database& db, std::int64_t study, const std::string& name, const std::string& source);

/// The variant of a trial. Throws as check_variant_name().
std::int64_t register_variant(SQLite::Database& db, std::int64_t study, int position, const TrialRecord& trial,
                              const std::string& source);

/// A trial and its stages; one known by hash keeps its state, `running` becomes `interrupted`. Throws
/// std::runtime_error for a seed of 2^63 or more.
TrialStatus register_trial(SQLite::Database& db, std::int64_t study, std::int64_t variant, const TrialRecord& trial,
                           bool in_grid = true);

/// Trials of variants from `position` on, and the variants; behind them stand those of `runner score`.
std::vector<TrialStatus> register_rows(SQLite::Database& db, std::int64_t study, int position,
                                       const std::vector<TrialRecord>& trials);

/// Throws std::runtime_error for two trials with one hash: they would share a row, and one of them would vanish from
/// the tables.
void check_hashes(const std::vector<TrialRecord>& trials);

}  // namespace crossfade::analysis
