#include "analysis/results/search_rows.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/results/registration.hpp"
#include "analysis/results/statement.hpp"

namespace crossfade::analysis {
namespace {

bool has_search(SQLite::Database& db, std::int64_t study, const SearchRecord& search, const std::string& seeds) {
  SQLite::Statement query(db,
                          "SELECT 1 FROM search WHERE study_id = ? AND method = ? AND objective = ? AND seeds = ? AND"
                          " space = ? AND options = ?");
  bind_all(query, study, search.method, search.objective, seeds, search.space, search.options);
  return query.executeStep();
}

void forget_candidates(SQLite::Database& db, std::int64_t study, int from) {
  for (const char* table : {"candidate_trial", "candidate"})
    change(db, (std::string("DELETE FROM ") + table + " WHERE study_id = ? AND position >= ?").c_str(), study, from);
}

/// Trials of the finalists' rows leave the views, but for those of `grid`.
void drop_finalists(SQLite::Database& db, std::int64_t study, const std::set<std::int64_t>& grid) {
  change(db,
         "UPDATE trial SET in_grid = 0 WHERE study_id = ?1 AND id NOT IN (SELECT value FROM json_each(?2))"
         " AND variant_id IN (SELECT v.id FROM variant AS v JOIN candidate AS c"
         " ON c.study_id = v.study_id AND c.variant = v.name WHERE v.study_id = ?1)",
         study, nlohmann::json(grid).dump());
}

/// Whether the place of the candidate is taken by other trials: a grid was changed, and candidates from here on are of
/// the one before.
bool tries_others(SQLite::Database& db, std::int64_t study, const CandidateRecord& candidate) {
  SQLite::Statement known(db, "SELECT hash FROM candidate_trial WHERE study_id = ? AND position = ?");
  bind_all(known, study, candidate.position);
  while (known.executeStep()) {
    const std::string hash = known.getColumn(0).getString();
    if (std::ranges::find(candidate.trials, hash, &TrialRecord::hash) == candidate.trials.end()) return true;
  }
  return false;
}

}  // namespace

void register_search(SQLite::Database& db, std::int64_t study, const SearchRecord& search,
                     const std::set<std::int64_t>& grid) {
  const std::string seeds = nlohmann::json(search.seeds).dump();
  if (!has_search(db, study, search, seeds)) {
    drop_finalists(db, study, grid);
    for (const char* table : {"candidate_trial", "candidate", "search"})
      change(db, (std::string("DELETE FROM ") + table + " WHERE study_id = ?").c_str(), study);
  }
  change(
      db,
      "INSERT OR REPLACE INTO search (study_id, method, objective, seeds, space, options, validation_subjects, labels)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      study, search.method, search.objective, seeds, search.space, search.options, search.validation_subjects,
      search.labels);
}

std::vector<TrialStatus> register_candidate(SQLite::Database& db, std::int64_t study, const CandidateRecord& candidate,
                                            const std::set<std::int64_t>& grid) {
  if (tries_others(db, study, candidate)) {
    drop_finalists(db, study, grid);
    forget_candidates(db, study, candidate.position);
  }
  change(db,
         "INSERT INTO candidate (study_id, position, round, point, settings, epochs) VALUES (?, ?, ?, ?, ?, ?)"
         " ON CONFLICT (study_id, position) DO UPDATE SET round = excluded.round, point = excluded.point,"
         " settings = excluded.settings, epochs = excluded.epochs",
         study, candidate.position, candidate.round, candidate.point, candidate.settings, candidate.epochs);
  change(db, "DELETE FROM candidate_trial WHERE study_id = ? AND position = ?", study, candidate.position);
  std::vector<TrialStatus> statuses;
  for (const TrialRecord& trial : candidate.trials) {
    change(db, "INSERT INTO candidate_trial VALUES (?, ?, ?)", study, candidate.position, trial.hash);
    const std::int64_t variant = register_variant(db, study, candidate.position, trial, "grid");
    statuses.push_back(register_trial(db, study, variant, trial, false));
  }
  return statuses;
}

std::optional<CandidateResult> candidate_result(SQLite::Database& db, std::int64_t study, int candidate) {
  SQLite::Statement query(
      db,
      "SELECT avg(CASE q.objective WHEN 'end' THEN s.end_dice ELSE s.best_dice END), sum(s.seconds), count(*) ="
      " (SELECT count(*) FROM candidate_trial AS t WHERE t.study_id = ?1 AND t.position = ?2)"
      " FROM candidate_score AS s JOIN search AS q ON q.study_id = s.study_id WHERE s.study_id = ?1 AND s.position = "
      "?2");
  bind_all(query, study, candidate);
  if (!query.executeStep() || query.getColumn(0).isNull() || query.getColumn(2).getInt() == 0) return std::nullopt;
  return CandidateResult{query.getColumn(0).getDouble(), query.getColumn(1).getDouble()};
}

std::set<std::string> hashes_outside_grid(SQLite::Database& db, std::int64_t study) {
  std::set<std::string> hashes;
  SQLite::Statement query(db, "SELECT hash FROM trial WHERE study_id = ? AND in_grid = 0");
  bind_all(query, study);
  while (query.executeStep()) hashes.insert(query.getColumn(0).getString());
  return hashes;
}

void keep_candidates(SQLite::Database& db, std::int64_t study, int count, const std::map<int, std::string>& finalists,
                     const std::set<std::int64_t>& grid) {
  drop_finalists(db, study, grid);
  forget_candidates(db, study, count);
  change(db, "UPDATE candidate SET variant = NULL WHERE study_id = ?", study);
  for (const auto& [position, variant] : finalists)
    change(db, "UPDATE candidate SET variant = ? WHERE study_id = ? AND position = ?", variant, study, position);
}

}  // namespace crossfade::analysis
