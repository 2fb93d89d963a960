#include "analysis/figures/figure1_lines.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "analysis/results/merge.hpp"

namespace crossfade::analysis {
namespace {

struct Trial {
  std::string variant;
  bool finished = false;
  std::vector<Figure1Stage> stages{};
  std::vector<bool> stopped{};  // of each stage: by a loss or gradient
  std::vector<double> switches{};
  std::map<int, double> dice{};  // by epoch over all stages; not a number where validation has no subject
};

/// Trials of the grid in its order, with the stages of their axial nets but without their epochs.
std::vector<std::pair<std::int64_t, Trial>> read_trials(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(
      db,
      "SELECT t.id, v.name, t.state = 'finished', s.name, s.epochs, s.switches, s.stopped <> ''"
      " FROM trial AS t JOIN variant AS v ON v.id = t.variant_id JOIN stage AS s ON s.trial_id = t.id"
      " WHERE t.study_id = ? AND t.in_grid = 1 AND s.plane = 'axial' ORDER BY v.position, t.id, s.position");
  query.bind(1, study);
  std::vector<std::pair<std::int64_t, Trial>> trials;
  while (query.executeStep()) {
    const std::int64_t id = query.getColumn(0).getInt64();
    if (trials.empty() || trials.back().first != id)
      trials.push_back({id, {.variant = query.getColumn(1).getString(), .finished = query.getColumn(2).getInt() != 0}});
    Trial& trial = trials.back().second;
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

void read_epochs(SQLite::Database& db, std::int64_t id, Trial& trial) {
  SQLite::Statement query(db, "SELECT trial_epoch, dice FROM figure1 WHERE trial = ? AND plane = 'axial'");
  query.bind(1, id);
  while (query.executeStep())
    trial.dice[query.getColumn(0).getInt()] =
        query.getColumn(1).isNull() ? std::numeric_limits<double>::quiet_NaN() : query.getColumn(1).getDouble();
  if (trial.finished) fill_missing_epochs(trial);
}

Figure1Line line_of(const std::string& variant, const std::vector<const Trial*>& trials) {
  Figure1Line line{.variant = variant, .points = {}, .switches = {}};
  std::map<int, Figure1Point> points;
  std::set<double> switches;
  for (const Trial* trial : trials) {
    switches.insert(trial->switches.begin(), trial->switches.end());
    for (const auto& [epoch, dice] : trial->dice) {
      if (std::isnan(dice)) continue;
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

Figure1 read_figure1(const std::vector<std::filesystem::path>& databases, const std::string& study) {
  return read_study(databases, study, "reading figure1", [&](SQLite::Database& db, const StudyRow& found) {
    Figure1 figure;
    figure.study = found.name;
    figure.caption = found.caption;

    auto trials = read_trials(db, found.id);
    std::vector<std::string> variants;
    std::map<std::string, std::vector<const Trial*>> finished, under_way;
    for (auto& [trial_id, trial] : trials) {
      read_epochs(db, trial_id, trial);
      if (std::ranges::find(variants, trial.variant) == variants.end()) variants.push_back(trial.variant);
      (trial.finished ? finished : under_way)[trial.variant].push_back(&trial);
      if (figure.stages.empty() || trial.stages.back().end > figure.stages.back().end) figure.stages = trial.stages;
      figure.finished += trial.finished ? 1 : 0;
      ++figure.planned;
    }
    for (const auto& variant : variants) {
      Figure1Line line = line_of(variant, finished.contains(variant) ? finished[variant] : under_way[variant]);
      if (!line.points.empty()) figure.lines.push_back(std::move(line));
    }
    if (figure.lines.empty()) throw database_error(databases, "study '" + figure.study + "' has no epoch to draw yet");
    return figure;
  });
}

}  // namespace crossfade::analysis
