#include "analysis/results.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "analysis/database.hpp"

namespace crossfade::analysis {
namespace {

void bind_value(SQLite::Statement& statement, int index, double value) {
  if (std::isfinite(value))
    statement.bind(index, value);
  else
    statement.bind(index);  // NULL
}
void bind_value(SQLite::Statement& statement, int index, const std::string& value) {
  statement.bind(index, value);
}
void bind_value(SQLite::Statement& statement, int index, const char* value) {
  statement.bind(index, value);
}
void bind_value(SQLite::Statement& statement, int index, std::int64_t value) {
  statement.bind(index, value);
}
void bind_value(SQLite::Statement& statement, int index, int value) {
  statement.bind(index, value);
}

template <class... Values>
void bind_all(SQLite::Statement& statement, const Values&... values) {
  int index = 0;
  (bind_value(statement, ++index, values), ...);
}

/// Runs a statement that changes rows; returns how many.
template <class... Values>
int change(SQLite::Database& db, const char* sql, const Values&... values) {
  SQLite::Statement statement(db, sql);
  bind_all(statement, values...);
  return statement.exec();
}

/// First column of the one row that a statement gives (RETURNING id).
template <class... Values>
std::int64_t get_id(SQLite::Database& db, const char* sql, const Values&... values) {
  SQLite::Statement statement(db, sql);
  bind_all(statement, values...);
  if (!statement.executeStep()) throw std::runtime_error("no such row");
  const std::int64_t id = statement.getColumn(0).getInt64();
  statement.executeStep();  // to its end: a statement left half done holds the transaction open
  return id;
}

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

std::int64_t register_study(SQLite::Database& db, const StudyRecord& study) {
  return get_id(db,
                "INSERT INTO study (name, caption, grid_text, grid_hash) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET caption = excluded.caption, grid_text = excluded.grid_text,"
                " grid_hash = excluded.grid_hash RETURNING id",
                study.name, study.caption, study.grid_text, study.grid_hash);
}

void register_claims(SQLite::Database& db, std::int64_t study, const std::vector<Claim>& claims) {
  change(db, "DELETE FROM claim WHERE study_id = ?", study);
  int position = 0;
  for (const Claim& claim : claims)
    change(db, "INSERT INTO claim (study_id, position, name, better, than, role) VALUES (?, ?, ?, ?, ?, ?)", study,
           position++, claim.name, claim.better, claim.than, claim.role);
}

std::int64_t register_run(SQLite::Database& db, std::int64_t study, const std::string& grid_hash, const Provenance& p) {
  return get_id(db,
                "INSERT INTO provenance (study_id, grid_hash, version, git_commit, host, command, ranks,"
                " ranks_per_trial, devices, libraries, data_hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                study, grid_hash, p.version, p.git_commit, p.host, p.command, p.ranks, p.ranks_per_trial, p.devices,
                object_or_empty(p.libraries), object_or_empty(p.data_hash));
}

std::int64_t register_variant(SQLite::Database& db, std::int64_t study, int position, const TrialRecord& trial) {
  return get_id(db,
                "INSERT INTO variant (study_id, position, name, model, loss) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (study_id, name) DO UPDATE SET position = excluded.position, model = excluded.model,"
                " loss = excluded.loss RETURNING id",
                study, position, trial.variant, trial.model, trial.loss);
}

TrialStatus register_trial(SQLite::Database& db, std::int64_t study, std::int64_t variant, const TrialRecord& trial) {
  if (trial.seed > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    throw std::runtime_error("seed " + std::to_string(trial.seed) + " of '" + trial.variant +
                             "' is too large; seeds that can be stored end at 2^63 - 1");
  SQLite::Statement insert(db,
                           "INSERT INTO trial (study_id, variant_id, hash, seed, fold, in_grid, parameters, flops,"
                           " config) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)"
                           " ON CONFLICT (study_id, hash) DO UPDATE SET variant_id = excluded.variant_id, in_grid = 1,"
                           " parameters = excluded.parameters, flops = excluded.flops, config = excluded.config,"
                           " state = iif(state = 'running', 'interrupted', state)"
                           " RETURNING id, state, attempts, error");
  bind_all(insert, study, variant, trial.hash, static_cast<std::int64_t>(trial.seed), trial.fold, trial.parameters,
           trial.flops, object_or_empty(trial.config));
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

/// Throws for two trials with one hash: they would share a row, and one of them would vanish from the tables.
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

std::int64_t stage_id(SQLite::Database& db, std::int64_t trial, int position) {
  return get_id(db, "SELECT id FROM stage WHERE trial_id = ? AND position = ?", trial, position);
}

void insert_scores(SQLite::Database& db, std::int64_t stage, const char* part, const SubjectCounts& subject,
                   bool no_checkpoint) {
  auto values = dice(subject.counts);
  // Without a checkpoint and without the truth's counts, nothing tells which structures are there: all score 0.
  if (no_checkpoint && subject.counts == Counts{}) values.fill(0);
  SQLite::Statement insert(db, "INSERT INTO subject_score VALUES (?, ?, ?, ?, 'dice', ?, ?, ?, ?)");
  for (int c = 1; c < data::kClasses; ++c) {
    const auto i = static_cast<std::size_t>(c);
    bind_all(insert, stage, part, subject.subject, c, values[i], subject.counts.true_positive[i],
             subject.counts.false_positive[i], subject.counts.false_negative[i]);
    insert.exec();
    insert.reset();
    insert.clearBindings();
  }
}

void insert_surfaces(SQLite::Database& db, std::int64_t stage, const char* part, const SubjectSurfaces& subject) {
  SQLite::Statement insert(db,
                           "INSERT INTO subject_score (stage_id, part, subject, structure_id, metric, value)"
                           " VALUES (?, ?, ?, ?, ?, ?)");
  for (int c = 1; c < data::kClasses; ++c) {
    const SurfaceScores& scores = subject.scores[static_cast<std::size_t>(c)];
    const std::array<std::pair<const char*, double>, 3> values = {
        {{"hd95_mm", scores.hd95_mm}, {"nsd", scores.nsd}, {"volume_difference", scores.volume_difference}}};
    for (const auto& [metric, value] : values) {
      bind_all(insert, stage, part, subject.subject, c, metric, value);
      insert.exec();
      insert.reset();
      insert.clearBindings();
    }
  }
}

void insert_pooled_dice(SQLite::Database& db, std::int64_t epoch, const Counts& counts) {
  const auto values = dice(counts);
  SQLite::Statement insert(db, "INSERT INTO dice VALUES (?, ?, ?, ?, ?, ?)");
  for (int c = 1; c < data::kClasses; ++c) {
    const auto i = static_cast<std::size_t>(c);
    bind_all(insert, epoch, c, values[i], counts.true_positive[i], counts.false_positive[i], counts.false_negative[i]);
    insert.exec();
    insert.reset();
    insert.clearBindings();
  }
}

/// Replaces the epochs of a stage by those of another.
void copy_epochs(SQLite::Database& db, std::int64_t from, std::int64_t to) {
  change(db, "DELETE FROM epoch WHERE stage_id = ?", to);
  change(
      db,
      "INSERT INTO epoch (stage_id, epoch, step, recorded, loss, learning_rate, gradient_norm, dice_mean, dice_pooled,"
      " seconds_train, seconds_validate, seconds_data, images)"
      " SELECT ?, epoch, step, recorded, loss, learning_rate, gradient_norm, dice_mean, dice_pooled,"
      " seconds_train, seconds_validate, seconds_data, images FROM epoch WHERE stage_id = ?",
      to, from);
  constexpr const char* kPairs =
      " JOIN epoch AS source ON source.id = row.epoch_id AND source.stage_id = ?"
      " JOIN epoch AS copy ON copy.stage_id = ? AND copy.epoch = source.epoch";
  change(db,
         ("INSERT INTO epoch_term SELECT copy.id, row.term, row.value, row.weight FROM epoch_term AS row" +
          std::string(kPairs))
             .c_str(),
         from, to);
  change(db,
         ("INSERT INTO dice SELECT copy.id, row.structure_id, row.dice, row.true_positive, row.false_positive,"
          " row.false_negative FROM dice AS row" +
          std::string(kPairs))
             .c_str(),
         from, to);
}

/// Mean over structures of pooled counts; NULL where no structure has a number.
double pooled_dice(const Counts& counts) {
  const MeanDice mean = mean_dice(counts);
  return mean.left_out == data::kClasses - 1 ? std::numeric_limits<double>::quiet_NaN() : mean.mean;
}

}  // namespace

struct ResultsDatabase::Connection {
  std::filesystem::path file;
  SQLite::Database db;
  std::int64_t run = 0;  // row of provenance, 0 before begin()

  /// One transaction; its errors name the file and `doing`.
  template <class Body>
  auto transact(const std::string& doing, Body&& body) {
    try {
      SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
      if constexpr (std::is_void_v<decltype(body())>) {
        body();
        transaction.commit();
      } else {
        auto result = body();
        transaction.commit();
        return result;
      }
    } catch (const std::runtime_error& e) {  // SQLite::Exception is one
      throw database_error(file, doing + ": " + e.what());
    }
  }

  void set_state(std::int64_t trial, const char* state, const std::string& error) {
    transact(std::string("marking trial ") + std::to_string(trial) + " as " + state, [&] {
      if (change(db, "UPDATE trial SET state = ?, error = ? WHERE id = ?", state, error, trial) != 1)
        throw std::runtime_error("no such trial");
    });
  }
};

ResultsDatabase::ResultsDatabase(const std::filesystem::path& file)
    : connection_(new Connection{.file = file, .db = open_to_write(file)}) {}
ResultsDatabase::~ResultsDatabase() = default;
ResultsDatabase::ResultsDatabase(ResultsDatabase&&) noexcept = default;

std::vector<TrialStatus> ResultsDatabase::begin(const StudyRecord& study, const Provenance& provenance,
                                                const std::vector<TrialRecord>& trials) {
  return connection_->transact("registering study '" + study.name + "'", [&] {
    auto& db = connection_->db;
    check_hashes(trials);
    const std::int64_t id = register_study(db, study);
    register_claims(db, id, study.claims);
    const std::int64_t run = register_run(db, id, study.grid_hash, provenance);
    change(db, "UPDATE trial SET in_grid = 0 WHERE study_id = ?", id);

    std::map<std::string, std::int64_t> variants;
    std::vector<TrialStatus> statuses;
    for (const TrialRecord& trial : trials) {
      if (!variants.contains(trial.variant))
        variants[trial.variant] = register_variant(db, id, static_cast<int>(variants.size()), trial);
      statuses.push_back(register_trial(db, id, variants[trial.variant], trial));
    }
    connection_->run = run;
    return statuses;
  });
}

void ResultsDatabase::set_running(std::int64_t trial) {
  connection_->transact("marking trial " + std::to_string(trial) + " as running", [&] {
    if (change(connection_->db,
               "UPDATE trial SET state = 'running', error = '', attempts = attempts + 1, provenance_id = nullif(?, 0)"
               " WHERE id = ?",
               connection_->run, trial) != 1)
      throw std::runtime_error("no such trial");
  });
}

void ResultsDatabase::adopt_epochs(std::int64_t trial) {
  connection_->transact("sharing epochs with trial " + std::to_string(trial), [&] {
    auto& db = connection_->db;
    SQLite::Statement stages(
        db,
        "SELECT own.id, (SELECT other.id FROM stage AS other JOIN trial AS t ON t.id = other.trial_id"
        "                JOIN epoch AS e ON e.stage_id = other.id"
        "                WHERE other.hash = own.hash AND other.id <> own.id AND t.study_id = mine.study_id"
        "                GROUP BY other.id HAVING count(*) > (SELECT count(*) FROM epoch WHERE stage_id = own.id)"
        "                ORDER BY count(*) DESC, other.id LIMIT 1) AS source"
        " FROM stage AS own JOIN trial AS mine ON mine.id = own.trial_id WHERE mine.id = ? AND source IS NOT NULL");
    bind_all(stages, trial);
    std::vector<std::pair<std::int64_t, std::int64_t>> copies;
    while (stages.executeStep()) copies.emplace_back(stages.getColumn(0).getInt64(), stages.getColumn(1).getInt64());
    for (const auto& [own, source] : copies) copy_epochs(db, source, own);
  });
}

void ResultsDatabase::set_interrupted(std::int64_t trial) {
  connection_->set_state(trial, "interrupted", "");
}

void ResultsDatabase::set_failed(std::int64_t trial, const std::string& error) {
  connection_->set_state(trial, "failed", error);
}

void ResultsDatabase::set_finished(std::int64_t trial) {
  connection_->transact("marking trial " + std::to_string(trial) + " as finished", [&] {
    auto& db = connection_->db;
    SQLite::Statement open(db, "SELECT name FROM stage WHERE trial_id = ? AND best_epoch IS NULL ORDER BY position");
    bind_all(open, trial);
    if (open.executeStep())
      throw std::runtime_error("stage '" + open.getColumn(0).getString() +
                               "' has no result; record one for every stage, of epoch 0 where there is no checkpoint");
    if (change(db, "UPDATE trial SET state = 'finished', error = '' WHERE id = ?", trial) != 1)
      throw std::runtime_error("no such trial");
  });
}

void ResultsDatabase::record_epoch(std::int64_t trial, const EpochRecord& e) {
  const std::string doing = "recording epoch " + std::to_string(e.epoch) + " of stage " + std::to_string(e.stage) +
                            " of trial " + std::to_string(trial);
  connection_->transact(doing, [&] {
    auto& db = connection_->db;
    const std::int64_t stage = stage_id(db, trial, e.stage);
    change(db, "DELETE FROM epoch WHERE stage_id = ? AND epoch >= ?", stage, e.epoch);
    change(db, "DELETE FROM epoch WHERE stage_id IN (SELECT id FROM stage WHERE trial_id = ? AND position > ?)", trial,
           e.stage);
    change(db,
           "DELETE FROM subject_score WHERE stage_id IN (SELECT id FROM stage WHERE trial_id = ? AND position >= ?)",
           trial, e.stage);
    change(db,
           "UPDATE stage SET best_epoch = NULL, best_dice = NULL, stopped = '' WHERE trial_id = ? AND position >= ?",
           trial, e.stage);

    const Counts all = pooled(e.validation);
    const std::int64_t id =
        get_id(db,
               "INSERT INTO epoch (stage_id, epoch, step, loss, learning_rate, gradient_norm, dice_mean, dice_pooled,"
               " seconds_train, seconds_validate, seconds_data, images) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
               " RETURNING id",
               stage, e.epoch, e.step, e.loss, e.learning_rate, e.gradient_norm, mean_over_subjects(e.validation),
               pooled_dice(all), e.seconds_train, e.seconds_validate, e.seconds_data, e.images);
    for (const TermValue& t : e.terms)
      change(db, "INSERT INTO epoch_term VALUES (?, ?, ?, ?)", id, t.term, t.value, t.weight);
    insert_pooled_dice(db, id, all);
  });
}

void ResultsDatabase::record_stage(std::int64_t trial, const StageResult& r) {
  const std::string doing =
      "recording the result of stage " + std::to_string(r.stage) + " of trial " + std::to_string(trial);
  connection_->transact(doing, [&] {
    auto& db = connection_->db;
    const std::int64_t stage = stage_id(db, trial, r.stage);
    change(db, "DELETE FROM subject_score WHERE stage_id = ?", stage);
    change(db, "UPDATE stage SET best_epoch = ?, best_dice = ?, stopped = ? WHERE id = ?", r.best_epoch, r.best_dice,
           r.stopped, stage);
    for (const SubjectCounts& s : r.validation) insert_scores(db, stage, "validation", s, r.best_epoch == 0);
    for (const SubjectCounts& s : r.test) insert_scores(db, stage, "test", s, r.best_epoch == 0);
    for (const SubjectSurfaces& s : r.surfaces) insert_surfaces(db, stage, "test", s);
  });
}

}  // namespace crossfade::analysis
