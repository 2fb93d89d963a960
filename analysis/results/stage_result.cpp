#include "analysis/results/stage_result.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "analysis/results/statement.hpp"
#include "analysis/scores/metrics.hpp"

namespace crossfade::analysis {
namespace {

int classes_of_study(SQLite::Database& db, std::int64_t trial) {
  return static_cast<int>(
      get_id(db, "SELECT count(*) FROM structure WHERE study_id = (SELECT study_id FROM trial WHERE id = ?)", trial));
}

void require_classes(int there, int expected) {
  if (there != expected)
    throw std::runtime_error("scores of " + std::to_string(there) + " classes, expected those of the " +
                             std::to_string(expected) + " of the study");
}

void insert_scores(SQLite::Database& db, std::int64_t stage, const char* part, const std::string& subject,
                   const Counts& counts, bool no_checkpoint) {
  auto values = dice(counts);
  // Without a checkpoint and without the truth's counts, nothing tells which structures are there: all score 0.
  if (no_checkpoint && counts == Counts(counts.classes())) std::ranges::fill(values, 0);
  SQLite::Statement insert(db, "INSERT INTO subject_score VALUES (?, ?, ?, ?, 'dice', ?, ?, ?, ?)");
  for (int c = 1; c < counts.classes(); ++c) {
    const auto i = static_cast<std::size_t>(c);
    bind_all(insert, stage, part, subject, c, values[i], counts.true_positive[i], counts.false_positive[i],
             counts.false_negative[i]);
    insert.exec();
    insert.reset();
    insert.clearBindings();
  }
}

void insert_surfaces(SQLite::Database& db, std::int64_t stage, const char* part, const SubjectSurfaces& subject) {
  SQLite::Statement insert(db,
                           "INSERT INTO subject_score (stage_id, part, subject, structure_id, metric, value)"
                           " VALUES (?, ?, ?, ?, ?, ?)");
  for (std::size_t c = 1; c < subject.scores.size(); ++c) {
    const SurfaceScores& scores = subject.scores[c];
    const std::array<double, 3> values = {scores.hd95_mm, scores.nsd, scores.volume_difference};
    for (std::size_t m = 0; m < values.size(); ++m) {
      bind_all(insert, stage, part, subject.subject, static_cast<int>(c), kMetrics[m + 1].name,
               values[m]);  // behind Dice
      insert.exec();
      insert.reset();
      insert.clearBindings();
    }
  }
}

}  // namespace

std::int64_t stage_id(SQLite::Database& db, std::int64_t trial, int position) {
  return get_id(db, "SELECT id FROM stage WHERE trial_id = ? AND position = ?", trial, position);
}

Counts counts_of_study(SQLite::Database& db, std::int64_t trial, const Counts& counts) {
  const int classes = classes_of_study(db, trial);
  if (counts == Counts{}) return Counts(classes);
  require_classes(counts.classes(), classes);
  return counts;
}

void store_result(SQLite::Database& db, std::int64_t trial, const StageResult& r) {
  const std::int64_t stage = stage_id(db, trial, r.stage);
  for (const char* table : {"subject_score", "subject_time"})
    change(db, (std::string("DELETE FROM ") + table + " WHERE stage_id = ?").c_str(), stage);
  change(db, "UPDATE stage SET best_epoch = ?, best_dice = ?, stopped = ?, seconds_score = nullif(?, 0.0) WHERE id = ?",
         r.best_epoch, r.best_dice, r.stopped, r.seconds_score, stage);
  const auto insert_part = [&](const char* part, const std::vector<SubjectCounts>& subjects) {
    for (const SubjectCounts& s : subjects)
      insert_scores(db, stage, part, s.subject, counts_of_study(db, trial, s.counts), r.best_epoch == 0);
  };
  insert_part("validation", r.validation);
  insert_part("test", r.test);
  for (const SubjectSurfaces& s : r.surfaces) {
    require_classes(static_cast<int>(s.scores.size()), classes_of_study(db, trial));
    insert_surfaces(db, stage, "test", s);
  }
  for (std::size_t s = 0; s < r.seconds.size(); ++s)
    change(db, "INSERT INTO subject_time VALUES (?, ?, ?)", stage, r.test.at(s).subject, r.seconds[s]);
}

void drop_results_from(SQLite::Database& db, std::int64_t stage) {
  const std::string later =
      "(SELECT o.id FROM stage AS o JOIN stage AS s ON s.trial_id = o.trial_id AND o.position >= s.position"
      " WHERE s.id = ?1 AND o.plane IN (s.plane, 'all'))";
  change(db, ("DELETE FROM epoch WHERE stage_id <> ?1 AND stage_id IN " + later).c_str(), stage);
  for (const char* table : {"subject_score", "subject_time"})
    change(db, (std::string("DELETE FROM ") + table + " WHERE stage_id IN " + later).c_str(), stage);
  change(
      db,
      ("UPDATE stage SET best_epoch = NULL, best_dice = NULL, stopped = '', seconds_score = NULL WHERE id IN " + later)
          .c_str(),
      stage);
}

}  // namespace crossfade::analysis
