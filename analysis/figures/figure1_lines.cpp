#include "analysis/figures/figure1_lines.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "analysis/results/merge.hpp"
#include "analysis/results/statement.hpp"

namespace crossfade::analysis {
namespace {

struct Trial {
  std::int64_t id = 0;
  std::string variant;
  bool finished = false;
  std::int64_t seed = 0;
  int fold = 0;
  std::vector<Figure1Stage> stages{};
  std::vector<bool> stopped{};  // of each stage: by a loss or gradient
  std::vector<double> switches{};
  std::map<int, double> dice{};  // by epoch over all stages; not a number where validation has no subject
};

/// Trials of the grid in its order, with the stages of their axial nets but without their epochs.
std::vector<Trial> read_trials(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(
      db,
      "SELECT t.id, v.name, t.state = 'finished', s.name, s.epochs, s.switches, s.stopped <> '', t.seed, t.fold"
      " FROM trial AS t JOIN variant AS v ON v.id = t.variant_id JOIN stage AS s ON s.trial_id = t.id"
      " WHERE t.study_id = ? AND t.in_grid = 1 AND s.plane = 'axial' ORDER BY v.position, t.id, s.position");
  query.bind(1, study);
  std::vector<Trial> trials;
  while (query.executeStep()) {
    const std::int64_t id = query.getColumn(0).getInt64();
    if (trials.empty() || trials.back().id != id)
      trials.push_back({.id = id,
                        .variant = query.getColumn(1).getString(),
                        .finished = query.getColumn(2).getInt() != 0,
                        .seed = query.getColumn(7).getInt64(),
                        .fold = query.getColumn(8).getInt()});
    Trial& trial = trials.back();
    const double start = trial.stages.empty() ? 0 : trial.stages.back().end;
    const double epochs = query.getColumn(4).getInt();
    trial.stages.push_back({query.getColumn(3).getString(), start + epochs});
    trial.stopped.push_back(query.getColumn(6).getInt() != 0);
    for (const double progress : nlohmann::json::parse(query.getColumn(5).getString()))
      if (progress > 0 && progress < 1) trial.switches.push_back(start + progress * epochs);
  }
  return trials;
}

/// A stage that was stopped counts as 0 from there on, one that ended early as it was in its last epoch. Epochs before
/// the first that is recorded stay unknown.
void fill_missing_epochs(Trial& trial) {
  int epoch = 1;
  for (std::size_t s = 0; s < trial.stages.size(); ++s) {
    std::optional<double> last;
    if (trial.stopped[s]) last = 0;
    for (; epoch <= static_cast<int>(trial.stages[s].end); ++epoch) {
      const auto found = trial.dice.find(epoch);
      if (found == trial.dice.end() && last) trial.dice[epoch] = *last;
      if (found != trial.dice.end() && !trial.stopped[s]) last = found->second;
    }
  }
}

/// First epoch over all stages of each stage of axial nets, from 0: a query's WITH.
constexpr const char* kAxialStages =
    "WITH axial AS (SELECT s.id, s.trial_id,"
    " sum(s.epochs) OVER (PARTITION BY s.trial_id ORDER BY s.position) - s.epochs AS before"
    " FROM stage AS s JOIN trial AS t ON t.id = s.trial_id"
    " WHERE t.study_id = ? AND t.in_grid = 1 AND s.plane = 'axial') ";

void read_epochs(SQLite::Database& db, std::int64_t study, std::map<std::int64_t, Trial*>& trials) {
  SQLite::Statement query(db, std::string(kAxialStages) +
                                  "SELECT a.trial_id, a.before + e.epoch, e.dice_mean FROM axial AS a"
                                  " JOIN epoch AS e ON e.stage_id = a.id");
  query.bind(1, study);
  while (query.executeStep())
    trials.at(query.getColumn(0).getInt64())->dice[query.getColumn(1).getInt()] = number_or_none(query.getColumn(2));
  for (auto& [id, trial] : trials)
    if (trial->finished) fill_missing_epochs(*trial);
}

/// Sums over trials, by term and epoch.
struct TermSums {
  double value = 0, weight = 0;
  int values = 0, weights = 0;
};
using TermsOfVariant = std::map<std::string, std::map<int, TermSums>>;

/// By variant, of the trials in `counted`.
std::map<std::string, TermsOfVariant> read_terms(SQLite::Database& db, std::int64_t study,
                                                 const std::map<std::int64_t, const Trial*>& counted) {
  SQLite::Statement query(db, std::string(kAxialStages) +
                                  "SELECT a.trial_id, a.before + e.epoch, m.term, m.value, m.weight FROM axial AS a"
                                  " JOIN epoch AS e ON e.stage_id = a.id JOIN epoch_term AS m ON m.epoch_id = e.id");
  query.bind(1, study);
  std::map<std::string, TermsOfVariant> terms;
  while (query.executeStep()) {
    const auto trial = counted.find(query.getColumn(0).getInt64());
    if (trial == counted.end()) continue;
    TermSums& sums = terms[trial->second->variant][query.getColumn(2).getString()][query.getColumn(1).getInt()];
    const double value = number_or_none(query.getColumn(3)), weight = number_or_none(query.getColumn(4));
    if (!std::isnan(value)) sums.value += value, ++sums.values;
    if (!std::isnan(weight)) sums.weight += weight, ++sums.weights;
  }
  return terms;
}

std::vector<Figure1Term> means_of(const TermsOfVariant& terms) {
  std::vector<Figure1Term> means;
  for (const auto& [name, epochs] : terms) {
    Figure1Term& term = means.emplace_back();
    term.name = name;
    for (const auto& [epoch, sums] : epochs)  // 0/0 where there is no number
      term.points.push_back(
          {static_cast<double>(epoch), sums.value / sums.values, sums.weights == 0 ? 0 : sums.weight / sums.weights});
  }
  return means;
}

Figure1Line line_of(const std::string& variant, const std::vector<const Trial*>& trials) {
  Figure1Line line{.variant = variant, .points = {}, .switches = {}};
  std::map<int, Figure1Point> points;
  std::set<double> switches;
  for (const Trial* trial : trials) {
    Figure1Trial& own = line.trials.emplace_back(Figure1Trial{.seed = trial->seed, .fold = trial->fold});
    switches.insert(trial->switches.begin(), trial->switches.end());
    for (const auto& [epoch, dice] : trial->dice) {
      if (std::isnan(dice)) continue;
      own.dice.emplace_back(epoch, dice);
      Figure1Point& p = points[epoch];
      p.epoch = epoch;
      p.smallest = p.trials == 0 ? dice : std::min(p.smallest, dice);
      p.largest = p.trials == 0 ? dice : std::max(p.largest, dice);
      p.dice += dice;  // a sum until all are in
      ++p.trials;
    }
  }
  for (auto& [epoch, point] : points) {
    point.dice /= point.trials;
    line.points.push_back(point);
  }
  line.switches.assign(switches.begin(), switches.end());
  return line;
}

}  // namespace

Figure1 figure1_of(SQLite::Database& db, const StudyRow& study) {
  Figure1 figure;
  figure.study = study.name;
  figure.caption = study.caption;

  std::vector<Trial> trials = read_trials(db, study.id);
  std::map<std::int64_t, Trial*> by_id;
  for (Trial& trial : trials) by_id[trial.id] = &trial;
  read_epochs(db, study.id, by_id);
  std::vector<std::string> variants;
  std::map<std::string, std::vector<const Trial*>> finished, under_way;
  for (const Trial& trial : trials) {
    if (std::ranges::find(variants, trial.variant) == variants.end()) variants.push_back(trial.variant);
    (trial.finished ? finished : under_way)[trial.variant].push_back(&trial);
    if (figure.stages.empty() || trial.stages.back().end > figure.stages.back().end) figure.stages = trial.stages;
    figure.finished += trial.finished ? 1 : 0;
    ++figure.planned;
  }
  std::map<std::int64_t, const Trial*> counted;
  for (const auto& variant : variants) {
    const auto& own = finished.contains(variant) ? finished[variant] : under_way[variant];
    for (const Trial* trial : own) counted[trial->id] = trial;
    Figure1Line line = line_of(variant, own);
    if (!line.points.empty()) figure.lines.push_back(std::move(line));
  }
  const std::map<std::string, TermsOfVariant> terms = read_terms(db, study.id, counted);
  for (Figure1Line& line : figure.lines)
    if (const auto found = terms.find(line.variant); found != terms.end()) line.terms = means_of(found->second);
  return figure;
}

Figure1 read_figure1(const std::vector<std::filesystem::path>& databases, const std::string& study) {
  return read_study(databases, study, "reading figure1", [&](SQLite::Database& db, const StudyRow& found) {
    Figure1 figure = figure1_of(db, found);
    if (figure.lines.empty()) throw database_error(databases, "study '" + figure.study + "' has no epoch to draw yet");
    return figure;
  });
}

}  // namespace crossfade::analysis
