#include "analysis/tables/status.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "analysis/results/merge.hpp"
#include "analysis/results/statement.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct TrialRow {
  std::string name, state, error;
  std::int64_t variant = 0;
  int planned = 0, done = 0;  // epochs, of all nets
  double seconds = 0;         // that these took
};

/// Those of the grid and of its search.
std::map<std::int64_t, TrialRow> trials_of(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(
      db,
      "SELECT t.id, v.name, t.seed, t.fold, t.state, t.error, v.id,"
      " (SELECT coalesce(sum(s.epochs), 0) FROM stage AS s WHERE s.trial_id = t.id AND s.plane <> 'all'),"
      " (SELECT count(*) FROM epoch AS e JOIN stage AS s ON s.id = e.stage_id WHERE s.trial_id = t.id),"
      " (SELECT coalesce(sum(e.seconds_train + e.seconds_validate), 0) FROM epoch AS e"
      "  JOIN stage AS s ON s.id = e.stage_id WHERE s.trial_id = t.id)"
      " FROM trial AS t JOIN variant AS v ON v.id = t.variant_id WHERE t.study_id = ? AND (t.in_grid = 1 OR"
      " t.hash IN (SELECT hash FROM candidate_trial AS c WHERE c.study_id = t.study_id)) ORDER BY t.id");
  query.bind(1, study);
  std::map<std::int64_t, TrialRow> trials;
  while (query.executeStep()) {
    trials[query.getColumn(0).getInt64()] = {
        .name = query.getColumn(1).getString() + " (" +
                seed_and_fold(query.getColumn(2).getInt64(), query.getColumn(3).getInt()) + ")",
        .state = query.getColumn(4).getString(),
        .error = query.getColumn(5).getString(),
        .variant = query.getColumn(6).getInt64(),
        .planned = query.getColumn(7).getInt(),
        .done = query.getColumn(8).getInt(),
        .seconds = query.getColumn(9).getDouble()};
  }
  return trials;
}

/// Seconds an epoch: of a trial by its own, or else by its variant's, or else by all there are.
class Pace {
 public:
  explicit Pace(const std::map<std::int64_t, TrialRow>& trials) {
    for (const auto& [id, trial] : trials)
      for (Sums* sums : {&all_, &variants_[trial.variant]}) {
        sums->seconds += trial.seconds;
        sums->epochs += trial.done;
      }
  }
  double seconds_left(const TrialRow& trial) const {
    const int left = std::max(0, trial.planned - trial.done);
    if (left == 0) return 0;
    for (const Sums& sums : {Sums{trial.seconds, trial.done}, variants_.at(trial.variant), all_})
      if (sums.epochs > 0) return left * sums.seconds / sums.epochs;
    return kNone;
  }

 private:
  struct Sums {
    double seconds = 0;
    int epochs = 0;
  };
  Sums all_;
  std::map<std::int64_t, Sums> variants_;
};

std::vector<WorkerStatus> workers_of(SQLite::Database& db, std::int64_t study,
                                     const std::map<std::int64_t, TrialRow>& trials, const Pace& pace) {
  SQLite::Statement query(db,
                          "SELECT a.worker, a.doing, a.trial_id, coalesce(s.name, ''), a.epoch, a.epochs, a.step,"
                          " a.steps, a.loss, a.images_per_second, (julianday('now') - julianday(a.seen)) * 86400, s.id"
                          " FROM activity AS a LEFT JOIN stage AS s ON s.trial_id = a.trial_id AND s.position = a.stage"
                          " WHERE a.study_id = ? ORDER BY a.worker");
  query.bind(1, study);
  SQLite::Statement epochs(db, "SELECT dice_mean FROM epoch WHERE stage_id = ? ORDER BY epoch");
  std::vector<WorkerStatus> workers;
  while (query.executeStep()) {
    WorkerStatus worker{.worker = query.getColumn(0).getInt(),
                        .doing = query.getColumn(1).getString(),
                        .trial = {},
                        .stage = query.getColumn(3).getString(),
                        .epoch = query.getColumn(4).getInt(),
                        .epochs = query.getColumn(5).getInt(),
                        .step = query.getColumn(6).getInt64(),
                        .steps = query.getColumn(7).getInt64(),
                        .loss = number_or_none(query.getColumn(8)),
                        .images_per_second = number_or_none(query.getColumn(9)),
                        .dice = {},
                        .seconds_left = kNone,
                        .silent = number_or_none(query.getColumn(10))};
    if (const auto trial = trials.find(query.getColumn(2).getInt64()); trial != trials.end()) {
      worker.trial = trial->second.name;
      worker.seconds_left = pace.seconds_left(trial->second);
    }
    epochs.reset();
    epochs.bind(1, query.getColumn(11).getInt64());
    while (epochs.executeStep()) worker.dice.push_back(number_or_none(epochs.getColumn(0)));
    workers.push_back(std::move(worker));
  }
  return workers;
}

StudyStatus status_of(SQLite::Database& db, const StudyRow& study) {
  StudyStatus status{.study = study.name, .caption = study.caption, .last_sign = {}, .workers = {}, .failures = {}};
  const std::map<std::int64_t, TrialRow> trials = trials_of(db, study.id);
  const Pace pace(trials);
  double left = 0;
  for (const auto& [id, trial] : trials) {
    if (trial.state == "finished") ++status.finished;
    if (trial.state == "running") ++status.running;
    if (trial.state == "interrupted") ++status.interrupted;
    if (trial.state == "pending") ++status.pending;
    if (trial.state == "failed") {
      ++status.failed;
      status.failures.push_back({trial.name, trial.error});
    } else if (trial.state != "finished") {
      left += pace.seconds_left(trial);
    }
  }
  status.workers = workers_of(db, study.id, trials, pace);
  status.seconds_left = left / static_cast<double>(std::max<std::size_t>(1, status.workers.size()));
  SQLite::Statement sign(db, "SELECT max(seen) FROM activity WHERE study_id = ?");
  sign.bind(1, study.id);
  if (sign.executeStep() && !sign.getColumn(0).isNull()) status.last_sign = sign.getColumn(0).getString();
  status.is_running = std::ranges::any_of(
      status.workers, [](const WorkerStatus& worker) { return worker.silent <= kSecondsOfSilence; });
  return status;
}

}  // namespace

StudyStatus study_status(const std::filesystem::path& database, const std::string& study) {
  SQLite::Database db = open_to_read(database);
  const auto version =
      with_errors(database, "reading its version", [&] { return db.execAndGet("PRAGMA user_version").getInt(); });
  if (version < kSchemaVersion) return read_study({database}, study, "reading the status", status_of);
  return with_errors(database, "reading the status", [&] {
    SQLite::Transaction snapshot(db);
    return status_of(db, find_study(db, database, study));
  });
}

}  // namespace crossfade::analysis
