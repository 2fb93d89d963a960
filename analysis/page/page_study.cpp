#include "analysis/page/page_study.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>

#include "analysis/results/statement.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

SQLite::Statement of_study(SQLite::Database& db, const std::string& sql, std::int64_t study) {
  SQLite::Statement query(db, sql);
  query.bind(1, study);
  return query;
}

std::vector<std::string> texts(SQLite::Statement query) {
  std::vector<std::string> all;
  while (query.executeStep()) all.push_back(query.getColumn(0).getString());
  return all;
}

std::vector<PageTrial> trials_of(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query = of_study(
      db,
      "WITH spent AS ("
      " SELECT s.trial_id, count(*) AS epochs,"
      "  sum(e.seconds_train + e.seconds_validate - coalesce(e.seconds_shared, 0)) AS seconds,"
      "  sum(e.images) AS images, sum(e.seconds_train) AS train, sum(e.seconds_data) AS data"
      " FROM epoch AS e JOIN stage AS s ON s.id = e.stage_id GROUP BY s.trial_id),"
      " planned AS ("
      " SELECT trial_id, sum(CASE WHEN plane = 'all' THEN 0 ELSE epochs END) AS epochs,"
      "  group_concat(nullif(stopped, ''), '; ') AS stopped, min(coalesce(converged, 1)) AS converged"
      " FROM stage GROUP BY trial_id)"
      "SELECT v.name, t.seed, t.fold, t.state, t.error, coalesce(p.stopped, ''), coalesce(p.converged, 1),"
      " coalesce(spent.epochs, 0), coalesce(p.epochs, 0), coalesce(spent.seconds, 0), coalesce(spent.images, 0),"
      " coalesce(spent.train, 0), coalesce(spent.data, 0), v.source = 'score'"
      " FROM trial AS t JOIN variant AS v ON v.id = t.variant_id LEFT JOIN planned AS p ON p.trial_id = t.id"
      " LEFT JOIN spent ON spent.trial_id = t.id WHERE t.study_id = ? AND t.in_grid = 1"
      " ORDER BY v.source = 'score', v.position, t.fold, t.seed",
      study);
  std::vector<PageTrial> trials;
  while (query.executeStep())
    trials.push_back({.variant = query.getColumn(0).getString(),
                      .scored = query.getColumn(13).getInt() != 0,
                      .seed = query.getColumn(1).getInt64(),
                      .fold = query.getColumn(2).getInt(),
                      .state = query.getColumn(3).getString(),
                      .error = query.getColumn(4).getString(),
                      .stopped = query.getColumn(5).getString(),
                      .converged = query.getColumn(6).getInt() != 0,
                      .epochs = query.getColumn(7).getInt(),
                      .planned = query.getColumn(8).getInt(),
                      .minutes = query.getColumn(9).getDouble() / 60,
                      .images = query.getColumn(10).getDouble(),
                      .seconds_train = query.getColumn(11).getDouble(),
                      .seconds_data = query.getColumn(12).getDouble()});
  return trials;
}

std::vector<PageRun> runs_of(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query =
      of_study(db,
               "SELECT p.started, p.version, p.git_commit, p.host, p.command, p.devices, p.libraries, p.data_hash,"
               " p.ranks, p.ranks_per_trial, p.grid_hash = s.grid_hash FROM provenance AS p"
               " JOIN study AS s ON s.id = p.study_id WHERE p.study_id = ? ORDER BY p.started DESC, p.id DESC",
               study);
  std::vector<PageRun> runs;
  while (query.executeStep())
    runs.push_back({.started = query.getColumn(0).getString(),
                    .version = query.getColumn(1).getString(),
                    .commit = query.getColumn(2).getString(),
                    .host = query.getColumn(3).getString(),
                    .command = query.getColumn(4).getString(),
                    .devices = query.getColumn(5).getString(),
                    .libraries = query.getColumn(6).getString(),
                    .data = query.getColumn(7).getString(),
                    .ranks = query.getColumn(8).getInt(),
                    .ranks_per_trial = query.getColumn(9).getInt(),
                    .of_this_grid = query.getColumn(10).getInt() != 0});
  return runs;
}

std::vector<PageScores> scores_of(SQLite::Database& db, std::int64_t study, const PageStudy& page) {
  SQLite::Statement variants =
      of_study(db,
               "SELECT v.id, v.name, c.role, iif(v.source = 'score', NULL, avg(s.best_dice)) FROM variant AS v"
               " JOIN counted_stage AS c ON c.variant_id = v.id JOIN stage AS s ON s.id = c.stage_id"
               " WHERE v.study_id = ? GROUP BY v.id, c.role"
               " ORDER BY v.source = 'score', v.position, c.role = 'finetuned'",
               study);
  std::vector<PageScores> all;
  std::map<std::pair<std::int64_t, std::string>, std::size_t> index;
  while (variants.executeStep()) {
    index[{variants.getColumn(0).getInt64(), variants.getColumn(2).getString()}] = all.size();
    all.push_back({.variant = variants.getColumn(1).getString(),
                   .role = variants.getColumn(2).getString(),
                   .validation = number_or_none(variants.getColumn(3)),
                   .dice = std::vector(page.structures.size(), std::vector(page.subjects.size(), kNone))});
  }
  std::map<std::string, std::size_t, std::less<>> subjects;
  for (std::size_t s = 0; s < page.subjects.size(); ++s) subjects[page.subjects[s]] = s;
  std::vector counts(all.size(), std::vector(page.structures.size(), std::vector(page.subjects.size(), 0)));
  // Summed here: SQLite would sort all rows to group them.
  SQLite::Statement values =
      of_study(db,
               "SELECT variant_id, role, structure_id, subject, value FROM structure_score WHERE study_id = ?"
               " AND metric = 'dice' AND part = 'test' AND value IS NOT NULL",
               study);
  std::pair<std::int64_t, std::string> of;  // rows of one variant and role mostly stand together
  std::size_t v = 0;
  while (values.executeStep()) {
    if (values.getColumn(0).getInt64() != of.first || values.getColumn(1).getText() != of.second) {
      of = {values.getColumn(0).getInt64(), values.getColumn(1).getString()};
      v = index.at(of);
    }
    const auto c = static_cast<std::size_t>(values.getColumn(2).getInt64()) - 1;
    const std::size_t s = subjects.find(std::string_view(values.getColumn(3).getText()))->second;
    double& dice = all[v].dice.at(c).at(s);
    dice = values.getColumn(4).getDouble() + (counts[v][c][s]++ == 0 ? 0 : dice);
  }
  for (std::size_t v = 0; v < all.size(); ++v)
    for (std::size_t c = 0; c < page.structures.size(); ++c)
      for (std::size_t s = 0; s < page.subjects.size(); ++s)
        if (counts[v][c][s] > 0) all[v].dice[c][s] /= counts[v][c][s];
  return all;
}

}  // namespace

double PageScores::mean_of(std::size_t subject) const {
  double sum = 0;
  int count = 0;
  for (const std::vector<double>& structure : dice)
    if (!std::isnan(structure[subject])) sum += structure[subject], ++count;
  return count == 0 ? kNone : sum / count;
}

const PageScores* best_on_validation(const std::vector<PageScores>& all) {
  const PageScores* best = nullptr;
  for (const PageScores& scores : all)
    if (best == nullptr || (!std::isnan(scores.validation) && !(scores.validation <= best->validation))) best = &scores;
  return best;
}

PageStudy page_study_of(SQLite::Database& db, const StudyRow& study) {
  PageStudy page;
  page.name = study.name;
  page.caption = study.caption;
  SQLite::Statement grid = of_study(db, "SELECT grid_text FROM study WHERE id = ?", study.id);
  if (grid.executeStep()) page.grid_text = grid.getColumn(0).getString();
  page.structures = class_names(db, study.id);
  if (!page.structures.empty()) page.structures.erase(page.structures.begin());
  page.subjects = texts(of_study(db,
                                 "SELECT DISTINCT subject FROM subject_dice WHERE part = 'test' AND variant_id IN"
                                 " (SELECT id FROM variant WHERE study_id = ?) ORDER BY subject",
                                 study.id));
  page.trials = trials_of(db, study.id);
  page.runs = runs_of(db, study.id);
  page.scores = scores_of(db, study.id, page);
  return page;
}

std::vector<std::string> names_of(SQLite::Database& db, const StudyRow& study, const PageStudy& page) {
  std::vector<std::string> names = page.subjects;
  for (const std::string& name :
       texts(of_study(db,
                      "SELECT subject FROM subject_score UNION SELECT subject FROM person WHERE study_id = ?1"
                      " UNION SELECT person FROM person WHERE study_id = ?1"
                      " UNION SELECT name FROM subject WHERE study_id = ?1 ORDER BY subject",
                      study.id)))
    names.push_back(name);  // one twice keeps its first number
  return names;
}

}  // namespace crossfade::analysis
