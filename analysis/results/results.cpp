#include "analysis/results/results.hpp"

#include <sqlite3.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/results/database.hpp"
#include "analysis/results/registration.hpp"
#include "analysis/results/search_rows.hpp"
#include "analysis/results/stage_result.hpp"
#include "analysis/results/statement.hpp"

namespace crossfade::analysis {
namespace {

void insert_pooled_dice(SQLite::Database& db, std::int64_t epoch, const Counts& counts) {
  const auto values = dice(counts);
  SQLite::Statement insert(db, "INSERT INTO dice VALUES (?, ?, ?, ?, ?, ?)");
  for (int c = 1; c < counts.classes(); ++c) {
    const auto i = static_cast<std::size_t>(c);
    bind_all(insert, epoch, c, values[i], counts.true_positive[i], counts.false_positive[i], counts.false_negative[i]);
    insert.exec();
    insert.reset();
    insert.clearBindings();
  }
}

/// Mean over structures of pooled counts; NULL where no structure has a number.
double pooled_dice(const Counts& counts) {
  const MeanDice mean = mean_dice(counts);
  return mean.structures == 0 ? std::numeric_limits<double>::quiet_NaN() : mean.mean;
}

}  // namespace

struct ResultsDatabase::Connection {
  std::filesystem::path file;
  DatabasePatience patience;
  SQLite::Database db;
  std::int64_t study = 0, run = 0;  // rows of study and provenance, 0 before begin()
  std::set<std::int64_t> grid{};    // trials that begin() registered

  /// One transaction; its errors name the file and `doing`. `body` is called again where the file was held.
  template <class Body>
  auto transact(const std::string& doing, Body&& body) {
    for (int time = 1;; ++time) {
      try {
        return try_transaction(body);
      } catch (const SQLite::Exception& e) {
        if (e.getErrorCode() != SQLITE_BUSY || time >= patience.times || !goes_on(time))
          throw database_error(file, doing + ": " + e.what());
      } catch (const std::runtime_error& e) {
        throw database_error(file, doing + ": " + e.what());
      }
    }
  }

  template <class Body>
  auto try_transaction(Body& body) {
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      transaction.commit();
    } else {
      auto result = body();
      transaction.commit();
      return result;
    }
  }

  bool goes_on(int time) const {
    const auto seconds = [&](int times) { return std::to_string(patience.milliseconds / 1000 * times) + " s"; };
    return !patience.go_on ||
           patience.go_on("results database '" + file.string() + "': another program has held it for " + seconds(time) +
                          ", by a query or a transaction that it has not ended; it is waited for, " +
                          seconds(patience.times) + " at the most");
  }

  void set_state(std::int64_t trial, const char* state, const std::string& error) {
    transact(std::string("marking trial ") + std::to_string(trial) + " as " + state, [&] {
      if (change(db, "UPDATE trial SET state = ?, error = ? WHERE id = ?", state, error, trial) != 1)
        throw std::runtime_error("no such trial");
    });
  }
};

ResultsDatabase::ResultsDatabase(const std::filesystem::path& file, DatabasePatience patience)
    : connection_(new Connection{.file = file, .patience = std::move(patience), .db = open_to_write(file)}) {
  connection_->db.setBusyTimeout(connection_->patience.milliseconds);
}
ResultsDatabase::~ResultsDatabase() = default;
ResultsDatabase::ResultsDatabase(ResultsDatabase&&) noexcept = default;

std::vector<TrialStatus> ResultsDatabase::begin(const StudyRecord& study, const Provenance& provenance,
                                                const std::vector<TrialRecord>& trials) {
  return connection_->transact("registering study '" + study.name + "'", [&] {
    auto& db = connection_->db;
    check_hashes(trials);
    const std::int64_t id = register_study(db, study);
    register_classes(db, id, study.classes);
    register_persons(db, id, study.persons);
    register_subjects(db, id, study.subjects);
    register_claims(db, id, study.claims);
    const std::int64_t run = register_run(db, id, study.grid_hash, provenance);
    std::set<std::string> rows;
    for (const TrialRecord& trial : trials) rows.insert(trial.variant);
    change(db,
           "UPDATE trial SET in_grid = 0 WHERE study_id = ?1"
           " AND variant_id IN (SELECT id FROM variant WHERE study_id = ?1 AND source = 'grid' AND (NOT ?2 OR"
           " name IN (SELECT value FROM json_each(?3)) OR"
           " name NOT IN (SELECT variant FROM candidate WHERE study_id = ?1 AND variant IS NOT NULL)))",
           id, study.searches ? 1 : 0, nlohmann::json(rows).dump());

    std::vector<TrialStatus> statuses = register_rows(db, id, 0, trials);
    connection_->study = id;
    connection_->run = run;
    connection_->grid.clear();
    for (const TrialStatus& status : statuses) connection_->grid.insert(status.id);
    return statuses;
  });
}

void ResultsDatabase::begin_search(const SearchRecord& search) {
  connection_->transact("registering the search",
                        [&] { register_search(connection_->db, connection_->study, search, connection_->grid); });
}

std::vector<TrialStatus> ResultsDatabase::add_candidate(const CandidateRecord& candidate) {
  return connection_->transact("registering candidate " + std::to_string(candidate.position) + " of the search", [&] {
    check_hashes(candidate.trials);
    return register_candidate(connection_->db, connection_->study, candidate, connection_->grid);
  });
}

std::optional<CandidateResult> ResultsDatabase::result_of(int candidate) {
  return connection_->transact("reading candidate " + std::to_string(candidate) + " of the search",
                               [&] { return candidate_result(connection_->db, connection_->study, candidate); });
}

std::set<std::string> ResultsDatabase::trials_outside_grid() {
  return connection_->transact("reading the trials that are not in the grid",
                               [&] { return hashes_outside_grid(connection_->db, connection_->study); });
}

std::vector<TrialStatus> ResultsDatabase::end_search(int count, const std::map<int, std::string>& finalists,
                                                     const std::vector<TrialRecord>& trials,
                                                     const std::vector<Claim>& claims) {
  return connection_->transact("ending the search", [&] {
    auto& db = connection_->db;
    const std::int64_t study = connection_->study;
    check_hashes(trials);
    keep_candidates(db, study, count, finalists, connection_->grid);
    register_claims(db, study, claims);
    const std::int64_t rows =
        get_id(db, "SELECT count(DISTINCT variant_id) FROM trial WHERE study_id = ? AND in_grid = 1", study);
    return register_rows(db, study, static_cast<int>(rows), trials);
  });
}

void ResultsDatabase::record_activity(const std::vector<ActivityRecord>& workers) {
  connection_->transact("recording what is done", [&] {
    auto& db = connection_->db;
    change(db, "DELETE FROM activity WHERE study_id = ?", connection_->study);
    for (const ActivityRecord& w : workers)
      change(db,
             "INSERT INTO activity (study_id, worker, doing, trial_id, stage, epoch, epochs, step, steps, loss,"
             " images_per_second) VALUES (?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?)",
             connection_->study, w.worker, w.doing, w.trial, w.stage, w.epoch, w.epochs, w.step, w.steps, w.loss,
             w.images_per_second);
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

void ResultsDatabase::set_interrupted(std::int64_t trial) {
  connection_->set_state(trial, "interrupted", "");
}

void ResultsDatabase::set_failed(std::int64_t trial, const std::string& error) {
  connection_->set_state(trial, "failed", error);
}

void ResultsDatabase::set_pending(std::int64_t trial, const std::string& error) {
  connection_->set_state(trial, "pending", error);
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
    if (e.again) {
      SQLite::Statement known(db, "SELECT 1 FROM epoch WHERE stage_id = ? AND epoch = ?");
      bind_all(known, stage, e.epoch);
      if (known.executeStep()) return;
    }
    change(db, "DELETE FROM epoch WHERE stage_id = ? AND epoch >= ?", stage, e.epoch);
    drop_results_from(db, stage);

    const Counts all = counts_of_study(db, trial, e.validation.pooled);
    const std::int64_t id =
        get_id(db,
               "INSERT INTO epoch (stage_id, epoch, step, loss, learning_rate, gradient_norm, dice_mean, dice_pooled,"
               " seconds_train, seconds_validate, seconds_data, seconds_checkpoint, seconds_communication,"
               " seconds_buckets, seconds_loss_sums, seconds_norm_sums, images, seconds_shared)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
               stage, e.epoch, e.step, e.loss, e.learning_rate, e.gradient_norm, e.validation.mean, pooled_dice(all),
               e.seconds_train, e.seconds_validate, e.seconds_data, e.overhead.checkpoint, e.overhead.communication,
               e.overhead.buckets, e.overhead.loss_sums, e.overhead.norm_sums, e.images, e.seconds_shared);
    for (const TermValue& t : e.terms)
      change(db, "INSERT INTO epoch_term VALUES (?, ?, ?, ?)", id, t.term, t.value, t.weight);
    insert_pooled_dice(db, id, all);
  });
}

void ResultsDatabase::record_stage(std::int64_t trial, const StageResult& r) {
  const std::string doing =
      "recording the result of stage " + std::to_string(r.stage) + " of trial " + std::to_string(trial);
  connection_->transact(doing, [&] { store_result(connection_->db, trial, r); });
}

}  // namespace crossfade::analysis
