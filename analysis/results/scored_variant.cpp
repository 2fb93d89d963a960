#include "analysis/results/scored_variant.hpp"

#include <optional>
#include <set>
#include <stdexcept>

#include "analysis/results/database.hpp"
#include "analysis/results/registration.hpp"
#include "analysis/results/stage_result.hpp"
#include "analysis/results/statement.hpp"

namespace crossfade::analysis {
namespace {

constexpr const char* kNone = "–";  // model and loss of what has no net

/// Throws std::runtime_error where scores in `classes` don't belong into the study.
void check_classes(SQLite::Database& db, std::int64_t study, const data::Classes& classes) {
  const std::string difference = data::class_difference(classes.names, class_names(db, study));
  if (!difference.empty())
    throw std::runtime_error("the scores are of other classes than the study: " + difference +
                             " of the study; score with its label table, or name another database file");
}

/// Id of the study, if name and classes fit into it; nothing where the file has no study yet.
std::optional<std::int64_t> study_for(SQLite::Database& db, const std::filesystem::path& file, const std::string& study,
                                      const std::string& name, const data::Classes& classes) {
  if (db.execAndGet("SELECT count(*) FROM study").getInt() == 0) {
    if (study.empty()) throw database_error(file, "holds no study yet; name the new one with --study");
    return std::nullopt;
  }
  const std::int64_t id = find_study(db, file, study).id;
  try {
    check_variant_name(db, id, name, "score");
    check_classes(db, id, classes);
  } catch (const SQLite::Exception&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw database_error(file, error.what());
  }
  return id;
}

TrialRecord trial_of(const ScoredVariant& variant) {
  const std::string hash = "score/" + variant.name;
  return {.hash = hash,
          .variant = variant.name,
          .model = kNone,
          .loss = kNone,
          .config = variant.config,
          .stages = {{.name = variant.role == "finetuned" ? "finetune" : "pretrain",
                      .hash = hash,
                      .cohort = kNone,
                      .labels = "manual",
                      .switches = {},
                      .voxel_mm = common_voxel_mm(variant.subjects)}}};
}

StageResult result_of(const ScoredVariant& variant) {
  StageResult result{.stopped = "", .validation = {}, .test = counts_of(variant.subjects), .surfaces = {}};
  result.best_dice = mean_over_subjects(result.test);  // no net, no validation: what `converged` is computed from
  if (variant.seconds > 0) result.seconds.assign(variant.subjects.size(), variant.seconds);
  for (const SubjectScores& s : variant.subjects) result.surfaces.push_back({s.subject, s.surfaces});
  return result;
}

/// Behind all variants of the study, unless it is there already.
int position_of(SQLite::Database& db, std::int64_t study, const std::string& name) {
  SQLite::Statement query(db,
                          "SELECT coalesce((SELECT position FROM variant WHERE study_id = ?1 AND name = ?2),"
                          " (SELECT max(position) + 1 FROM variant WHERE study_id = ?1), 0)");
  bind_all(query, study, name);
  query.executeStep();
  return query.getColumn(0).getInt();
}

Coverage coverage_of(SQLite::Database& db, std::int64_t study, const std::vector<SubjectScores>& subjects) {
  std::set<std::string> scored;
  for (const SubjectScores& s : subjects) scored.insert(s.subject);
  SQLite::Statement query(db,
                          "SELECT DISTINCT score.subject FROM subject_score AS score"
                          " JOIN stage AS s ON s.id = score.stage_id JOIN trial AS t ON t.id = s.trial_id"
                          " JOIN variant AS v ON v.id = t.variant_id"
                          " WHERE t.study_id = ? AND t.in_grid = 1 AND v.source = 'grid' AND score.part = 'test'");
  bind_all(query, study);
  Coverage coverage;
  while (query.executeStep()) {
    ++coverage.tested;
    coverage.covered += scored.contains(query.getColumn(0).getString()) ? 1 : 0;
  }
  return coverage;
}

}  // namespace

void check_scored_variant(const std::filesystem::path& database, const std::string& study, const std::string& name,
                          const data::Classes& classes) {
  if (!std::filesystem::exists(database)) {
    if (study.empty()) throw database_error(database, "does not exist; name the study that it is to hold with --study");
    return;
  }
  SQLite::Database db = open_to_write(database);
  with_errors(database, "looking for the study", [&] { return study_for(db, database, study, name, classes); });
}

Coverage record_scored_variant(const std::filesystem::path& database, const std::string& study,
                               const ScoredVariant& variant, const Provenance& provenance) {
  check_scored_variant(database, study, variant.name, variant.classes);  // no file is made for what is refused
  SQLite::Database db = open_to_write(database);
  return with_errors(database, "storing the scores of '" + variant.name + "'", [&] {
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    const auto found = study_for(db, database, study, variant.name, variant.classes);
    const std::int64_t id =
        found ? *found : register_study(db, {.name = study, .caption = "", .grid_text = "", .grid_hash = ""});
    register_classes(db, id, variant.classes);
    const TrialRecord record = trial_of(variant);
    const std::int64_t row = register_variant(db, id, position_of(db, id, variant.name), record, "score");
    const std::int64_t run = register_run(db, id, "", provenance);
    change(db, "DELETE FROM trial WHERE variant_id = ?", row);
    const std::int64_t trial = register_trial(db, id, row, record).id;
    store_result(db, trial, result_of(variant));
    change(db, "UPDATE trial SET state = 'finished', attempts = 1, provenance_id = ? WHERE id = ?", run, trial);
    const Coverage coverage = coverage_of(db, id, variant.subjects);
    transaction.commit();
    return coverage;
  });
}

}  // namespace crossfade::analysis
