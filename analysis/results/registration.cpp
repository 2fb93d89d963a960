#include "analysis/results/registration.hpp"

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "analysis/results/database.hpp"
#include "analysis/results/statement.hpp"

namespace crossfade::analysis {
namespace {

std::string object_or_empty(const std::string& json) {
  return json.empty() ? "{}" : json;
}

TrialState state_of(const std::string& name) {
  static const std::map<std::string, TrialState> states = {{"pending", TrialState::kPending},
                                                           {"running", TrialState::kRunning},
                                                           {"interrupted", TrialState::kInterrupted},
                                                           {"finished", TrialState::kFinished},
                                                           {"failed", TrialState::kFailed}};
  return states.at(name);
}

bool has_scores(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(db,
                          "SELECT 1 FROM trial AS t JOIN stage AS s ON s.trial_id = t.id WHERE t.study_id = ? AND"
                          " (EXISTS (SELECT 1 FROM subject_score WHERE stage_id = s.id) OR"
                          "  EXISTS (SELECT 1 FROM dice JOIN epoch AS e ON e.id = epoch_id WHERE e.stage_id = s.id))");
  bind_all(query, study);
  return query.executeStep();
}

}  // namespace

std::int64_t register_study(SQLite::Database& db, const StudyRecord& study) {
  return get_id(db,
                "INSERT INTO study (name, caption, grid_text, grid_hash) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET caption = excluded.caption, grid_text = excluded.grid_text,"
                " grid_hash = excluded.grid_hash RETURNING id",
                study.name, study.caption, study.grid_text, study.grid_hash);
}

void register_classes(SQLite::Database& db, std::int64_t study, const data::Classes& classes) {
  const std::string difference = data::class_difference(classes.names, class_names(db, study));
  if (difference.empty()) return;
  if (has_scores(db, study))
    throw std::runtime_error("the study's scores in this database are of other classes than its grid's: " + difference +
                             " in the database; name another database file");
  change(db, "DELETE FROM structure WHERE study_id = ?", study);
  for (int c = 0; c < classes.count(); ++c)
    change(db, "INSERT INTO structure VALUES (?, ?, ?)", study, c, classes.names[static_cast<std::size_t>(c)]);
}

void register_persons(SQLite::Database& db, std::int64_t study, const std::map<std::string, std::string>& persons) {
  change(db, "DELETE FROM person WHERE study_id = ?", study);
  for (const auto& [subject, person] : persons)
    change(db, "INSERT INTO person VALUES (?, ?, ?)", study, subject, person);
}

void register_subjects(SQLite::Database& db, std::int64_t study, const std::set<std::string>& subjects) {
  for (const std::string& name : subjects) change(db, "INSERT OR IGNORE INTO subject VALUES (?, ?)", study, name);
}

void register_claims(SQLite::Database& db, std::int64_t study, const std::vector<Claim>& claims) {
  change(db, "DELETE FROM claim WHERE study_id = ?", study);
  int position = 0;
  for (const Claim& claim : claims)
    change(db, "INSERT INTO claim (study_id, position, name, better, than, role, most_in) VALUES (?, ?, ?, ?, ?, ?, ?)",
           study, position++, claim.name, claim.better, claim.than, claim.role, claim.most_in);
}

std::int64_t register_run(SQLite::Database& db, std::int64_t study, const std::string& grid_hash, const Provenance& p) {
  return get_id(db,
                "INSERT INTO provenance (study_id, grid_hash, version, git_commit, host, command, ranks,"
                " ranks_per_trial, devices, libraries, data_hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                study, grid_hash, p.version, p.git_commit, p.host, p.command, p.ranks, p.ranks_per_trial, p.devices,
                object_or_empty(p.libraries), object_or_empty(p.data_hash));
}

void check_variant_name(SQLite::Database& db, std::int64_t study, const std::string& name, const std::string& source) {
  SQLite::Statement query(db, "SELECT source FROM variant WHERE study_id = ? AND name = ? AND source <> ?");
  bind_all(query, study, name, source);
  if (!query.executeStep()) return;
  throw std::runtime_error("'" + name + "' is a variant of the study already, " +
                           (source == "score" ? "from its grid; give the scores another name"
                                              : "from `runner score`; give the grid's another name"));
}

std::int64_t register_variant(SQLite::Database& db, std::int64_t study, int position, const TrialRecord& trial,
                              const std::string& source) {
  check_variant_name(db, study, trial.variant, source);
  return get_id(db,
                "INSERT INTO variant (study_id, position, name, model, loss, source) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (study_id, name) DO UPDATE SET position = excluded.position, model = excluded.model,"
                " loss = excluded.loss RETURNING id",
                study, position, trial.variant, trial.model, trial.loss, source);
}

TrialStatus register_trial(SQLite::Database& db, std::int64_t study, std::int64_t variant, const TrialRecord& trial,
                           bool in_grid) {
  if (trial.seed > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    throw std::runtime_error("seed " + std::to_string(trial.seed) + " of '" + trial.variant +
                             "' is too large; seeds that can be stored end at 2^63 - 1");
  SQLite::Statement insert(
      db,
      "INSERT INTO trial (study_id, variant_id, hash, seed, fold, in_grid, parameters, flops,"
      " config) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (study_id, hash) DO UPDATE SET variant_id = excluded.variant_id,"
      " in_grid = excluded.in_grid, parameters = excluded.parameters, flops = excluded.flops, config = excluded.config,"
      " state = iif(state = 'running', 'interrupted', state)"
      " RETURNING id, state, attempts, error");
  bind_all(insert, study, variant, trial.hash, static_cast<std::int64_t>(trial.seed), trial.fold, in_grid ? 1 : 0,
           trial.parameters, trial.flops, object_or_empty(trial.config));
  insert.executeStep();
  TrialStatus status{.id = insert.getColumn(0).getInt64(),
                     .state = state_of(insert.getColumn(1).getString()),
                     .attempts = insert.getColumn(2).getInt(),
                     .error = insert.getColumn(3).getString()};
  insert.executeStep();

  int position = 0;
  for (const StageRecord& stage : trial.stages)
    change(db,
           "INSERT INTO stage (trial_id, position, name, plane, hash, cohort, labels, epochs, switches, voxel_mm)"
           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
           " ON CONFLICT (trial_id, position) DO UPDATE SET name = excluded.name, plane = excluded.plane,"
           " hash = excluded.hash, cohort = excluded.cohort, labels = excluded.labels, epochs = excluded.epochs,"
           " switches = excluded.switches, voxel_mm = excluded.voxel_mm",
           status.id, position++, stage.name, stage.plane, stage.hash, stage.cohort, stage.labels, stage.epochs,
           nlohmann::json(stage.switches).dump(),
           stage.voxel_mm > 0 ? stage.voxel_mm : std::numeric_limits<double>::quiet_NaN());
  return status;
}

std::vector<TrialStatus> register_rows(SQLite::Database& db, std::int64_t study, int position,
                                       const std::vector<TrialRecord>& trials) {
  std::map<std::string, std::int64_t> variants;
  std::vector<TrialStatus> statuses;
  for (const TrialRecord& trial : trials) {
    if (!variants.contains(trial.variant)) {
      variants[trial.variant] = register_variant(db, study, position, trial, "grid");
      ++position;
    }
    statuses.push_back(register_trial(db, study, variants[trial.variant], trial));
  }
  change(db,  // scored ones follow the grid's, however many it has now
         "UPDATE variant SET position = ?1 + (SELECT count(*) FROM variant AS o WHERE o.study_id = ?2"
         " AND o.source = 'score' AND o.id < variant.id) WHERE study_id = ?2 AND source = 'score'",
         position, study);
  return statuses;
}

void check_hashes(const std::vector<TrialRecord>& trials) {
  std::map<std::string, const TrialRecord*> seen;
  for (const TrialRecord& trial : trials) {
    const auto [other, is_new] = seen.emplace(trial.hash, &trial);
    if (!is_new)
      throw std::runtime_error("'" + other->second->variant + "' (seed " + std::to_string(other->second->seed) +
                               ") and '" + trial.variant + "' (seed " + std::to_string(trial.seed) +
                               ") are the same trial; remove one of them from the grid");
  }
}

}  // namespace crossfade::analysis
