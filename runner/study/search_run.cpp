#include "runner/study/search_run.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <utility>

#include "analysis/results/folder.hpp"
#include "runner/grid/parameter_json.hpp"
#include "runner/grid/point_text.hpp"
#include "runner/grid/search_settings.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/grid/trial_json.hpp"
#include "runner/grid/views.hpp"
#include "runner/process/log.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/search/methods.hpp"
#include "runner/trial/branches.hpp"
#include "runner/trial/checkpoint.hpp"
#include "runner/trial/stage_net.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMostSiblings = 2000;  // points for which a round leaves branches: planning them takes its time

/// A value as the grid would have it.
json value_json(const Dimension& dimension, double value) {
  return dimension.choices.empty() ? json(value) : json(value_text(dimension, value));
}

json space_json(const Space& space) {
  json all = json::array();
  for (const Dimension& dimension : space.dimensions) {
    json values = json::array();
    for (const double value : dimension.raster) values.push_back(value_json(dimension, value));
    all.push_back({{"name", dimension.name},
                   {"from", dimension.from},
                   {"to", dimension.to},
                   {"log", dimension.logarithmic},
                   {"moment", dimension.moment},
                   {"values", values}});
  }
  return all;
}

json point_json(const Space& space, const Point& point) {
  json object = json::object();
  for (std::size_t d = 0; d < point.size(); ++d)
    object[space.dimensions[d].name] = value_json(space.dimensions[d], point[d]);
  return object;
}

json options_json(const Search& search) {
  json options = parameters_json(search.options);
  options["constraints"] = json::array();
  for (const Order& order : search.space.orders)
    options["constraints"].push_back(search.space.dimensions[order.before].name + (order.or_equal ? " <= " : " < ") +
                                     search.space.dimensions[order.behind].name);
  return options;
}

/// Persons whom the last stage validates on.
int validation_subjects(const TrialConfig& trial, const CohortPlans& plans) {
  const CohortPlan& plan = plans.at(trial.stages.back().cohort);
  std::set<std::string> persons;
  for (const std::string& subject : plan.splits.at(trial.fold).validation) persons.insert(person_of(subject, plan));
  return static_cast<int>(persons.size());
}

/// What rows that turned out to be one say of themselves, or twice.
void drop_repeated(std::vector<analysis::Claim>& claims) {
  std::set<std::tuple<std::string, std::string, std::string, std::string>> said;
  std::erase_if(claims, [&](const analysis::Claim& claim) {
    return claim.better == claim.than || !said.emplace(claim.better, claim.than, claim.role, claim.most_in).second;
  });
}

std::string fixed(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// Rank 0's side.
class SearchRun {
 public:
  SearchRun(const Study& study, const StudyOptions& options, Ledger& ledger)
      : study_(study),
        search_(*study.search),
        share_(options.share),
        ledger_(ledger),
        checkpoints_(analysis::results_folder(results_file(study, options)) / "checkpoints") {
    const TrialConfig& first = ledger.whole.trials.at(study.trials.size());  // of a candidate
    ledger.database->begin_search({.method = search_.options.method,
                                   .objective = search_.options.objective,
                                   .seeds = search_.seeds,
                                   .space = space_json(search_.space).dump(),
                                   .options = options_json(search_).dump(),
                                   .validation_subjects = validation_subjects(first, ledger.plans),
                                   .labels = first.stages.back().labels});
    log_info("search: to be tested is " + test_plan(study));
  }

  /// Points of the next round, and what each of them costs; none where method or budget are at their end.
  std::vector<Point> next() {
    const SearchBudget& budget = search_.options.budget;
    added_.clear();
    if (budget.minutes > 0 && seconds_ >= 60 * budget.minutes) return end_by("minutes", budget.minutes);
    std::vector<Point> points;
    for (const Point& point : next_points(search_, tried_)) {
      // How long they take is seen between rounds alone.
      if (budget.minutes > 0 && points.size() == static_cast<std::size_t>(search_.options.batch)) break;
      const std::size_t before = trials_.size();
      for (TrialConfig& trial : candidate_trials(study_, {point})) {
        hashes_.push_back(trial_hashes(trial, study_, ledger_.hash_list));
        trials_.push_back(std::move(trial));
      }
      const double epochs = forest_epochs(trials_, hashes_).shared;
      if (budget.epochs > 0 && epochs > budget.epochs) {
        trials_.resize(before);
        hashes_.resize(before);
        if (points.empty()) return end_by("epochs", budget.epochs);
        break;
      }
      added_.push_back(epochs - epochs_);
      epochs_ = epochs;
      points.push_back(point);
    }
    if (points.empty() && (budget.epochs > 0 || budget.minutes > 0))
      log_info("search: method " + search_.options.method + " has tried all that it can, within its budget");
    return points;
  }

  /// Registers the round that next() gave. `trials`: candidate_trials() of its points.
  void add(const std::vector<Point>& points, Batch& batch) {
    const std::vector<TrialConfig>& trials = batch.study.trials;
    const std::vector<analysis::TrialRecord> records =
        trial_records(trials, ledger_.cohorts, hashes_of(trials, study_, ledger_.hash_list));
    const std::size_t seeds = search_.seeds.size();
    for (std::size_t p = 0; p < points.size(); ++p) {
      const auto begin = records.begin() + static_cast<std::ptrdiff_t>(p * seeds);
      const std::vector<analysis::TrialStatus> states =
          ledger_.database->add_candidate({.position = static_cast<int>(tried_.size() + p),
                                           .round = round_,
                                           .point = point_json(search_.space, points[p]).dump(),
                                           .settings = settings_yaml(study_.text, search_, points[p]),
                                           .epochs = added_[p],
                                           .trials = {begin, begin + static_cast<std::ptrdiff_t>(seeds)}});
      batch.states.insert(batch.states.end(), states.begin(), states.end());
    }
    ++round_;
    batch.title = "search of study " + study_.name + ", round " + std::to_string(round_) + ": " +
                  std::to_string(points.size()) + " candidates of " + std::to_string(seeds) + " seeds";
    const bool open = std::ranges::any_of(
        batch.states, [](const auto& status) { return status.state != analysis::TrialState::kFinished; });
    if (!open) return;
    batch.others.past.assign(trials_.begin(), trials_.end() - static_cast<std::ptrdiff_t>(trials.size()));
    batch.others.ahead = candidate_trials(study_, points_to_come(points));
  }

  /// The round's trials are finished.
  void take_results(const std::vector<Point>& points, const std::vector<TrialConfig>& trials) {
    for (const Point& point : points) {
      const auto position = static_cast<int>(tried_.size());
      const auto result = ledger_.database->result_of(position);
      if (!result) throw std::logic_error("a finished candidate of the search has no result");
      tried_.push_back({point, result->dice});
      seconds_ += result->seconds;
      log_info("search: candidate " + std::to_string(position + 1) + ", " + brief_text(search_.space, point) +
               ": validation Dice " + fixed(result->dice, "%.4f"));
    }
    drop_nets(trials);
  }

  /// The points of the finalists, the best first.
  std::vector<Point> finalists() const {
    std::vector<Point> points;
    for (const std::size_t index : best_of(tried_, static_cast<std::size_t>(search_.options.finalists)))
      points.push_back(tried_[index].point);
    return points;
  }

  /// `rows`: the names of the finalists' rows. `trials`: those that the grid does not have. Returns what is known of
  /// them.
  std::vector<analysis::TrialStatus> end(const std::vector<std::string>& rows, const std::vector<TrialConfig>& trials) {
    const std::vector<std::size_t> best = best_of(tried_, rows.size());
    const std::vector<std::string> names = finalist_names(search_.options);
    std::map<int, std::string> finalists;
    std::vector<analysis::Claim> claims = study_.claims;
    for (std::size_t f = 0; f < rows.size(); ++f) {
      finalists[static_cast<int>(best[f])] = rows[f];
      log_info("search: '" + rows[f] + "' is " + brief_text(search_.space, tried_[best[f]].point) +
               ", validation Dice " + fixed(tried_[best[f]].score, "%.4f") + ", of " + std::to_string(tried_.size()) +
               " candidates and " + epochs_text(epochs_) + " epochs");
      for (analysis::Claim& claim : claims)
        for (std::string* side : {&claim.better, &claim.than})
          if (*side == names[f]) *side = rows[f];
    }
    drop_repeated(claims);
    if (rows.size() < names.size()) {
      log_warning("search.finalists is " + std::to_string(names.size()) + ", but the search found " +
                  std::to_string(rows.size()) + ": nothing is claimed of the others");
      const std::set<std::string> lacking(names.begin() + static_cast<std::ptrdiff_t>(rows.size()), names.end());
      std::erase_if(claims, [&](const analysis::Claim& claim) {
        return lacking.contains(claim.better) || lacking.contains(claim.than);
      });
    }
    drop_branches();
    drop_stages(trials);
    return ledger_.database->end_search(
        static_cast<int>(tried_.size()), finalists,
        trial_records(trials, ledger_.cohorts, hashes_of(trials, study_, ledger_.hash_list)), claims);
  }

 private:
  std::vector<Point> end_by(const std::string& what, double budget) const {
    log_info("search: its budget of " + fixed(budget, "%g") + " " + what + " is spent");
    return {};
  }

  std::vector<Point> points_to_come(const std::vector<Point>& round) const {
    std::vector<Tried> known = tried_;
    for (const Point& point : round) known.push_back({point, 0});
    std::set<Point> all;
    for (const Point& point : round) {
      if (all.contains(point)) continue;
      if (all.size() >= kMostSiblings) break;
      const std::vector<Point> more = siblings(search_, point, known, kMostSiblings);
      all.insert(more.begin(), more.end());
    }
    return {all.begin(), all.end()};
  }

  /// By which the stages of trials are kept.
  std::vector<std::vector<std::string>> names_of(const std::vector<TrialConfig>& trials) const {
    return kept_by(hashes_of(trials, study_, ledger_.hash_list));
  }
  std::vector<std::vector<std::string>> kept_by(std::vector<std::vector<std::string>> hashes) const {
    if (!share_) train_alone(hashes);
    return hashes;
  }

  /// A candidate is not tested, so that nothing begins from what it ended with; but for one of several views, whose
  /// nets another may let vote otherwise.
  void drop_nets(const std::vector<TrialConfig>& trials) const {
    const std::vector<std::vector<std::string>> hashes = names_of(trials);
    for (std::size_t t = 0; t < trials.size(); ++t) {
      if (views_of(trials[t].views).size() > 1) continue;
      const std::vector<StageRow> rows = stage_rows(trials[t]);
      for (std::size_t r = 0; r < rows.size(); ++r)
        if (std::error_code ignored; rows[r].stage + 1 == trials[t].stages.size())
          fs::remove_all(stage_folder(checkpoints_, hashes[t][r]), ignored);
    }
  }

  /// Stages that no trial of the grid and no finalist has, which is all that candidates still have.
  void drop_stages(const std::vector<TrialConfig>& finalists) const {
    std::set<std::string> kept;
    for (const auto* trials : {&study_.trials, &finalists})
      for (const std::vector<std::string>& names : names_of(*trials)) kept.insert(names.begin(), names.end());
    std::vector<std::vector<std::string>> candidates;
    for (const TrialHashes& hashes : hashes_) candidates.push_back(hashes.stages);
    for (const std::vector<std::string>& names : kept_by(std::move(candidates)))
      for (const std::string& name : names)
        if (std::error_code ignored; !kept.contains(name)) fs::remove_all(stage_folder(checkpoints_, name), ignored);
  }

  /// What candidates have left for others that never came, also those of a search that was given up for this one.
  void drop_branches() const {
    std::set<std::string> owners = ledger_.database->trials_outside_grid();
    for (const TrialHashes& hashes : hashes_) owners.insert(hashes.stages.back());
    for (const fs::path& file : branch_files(checkpoints_)) {
      try {
        const TensorFile branch = read_metadata(file);
        const auto owner = branch.metadata.find("owner");
        if (owner != branch.metadata.end() && owners.contains(owner->second))
          drop_branch(checkpoints_, branch.text("trial"));
      } catch (const std::exception& unreadable) {
        log_warning(unreadable.what());
      }
    }
  }

  const Study& study_;
  const Search& search_;
  bool share_;
  Ledger& ledger_;
  fs::path checkpoints_;
  std::vector<Tried> tried_;
  std::vector<TrialConfig> trials_;  // of all candidates
  std::vector<TrialHashes> hashes_;  // of these: made once, as each round asks for all
  std::vector<double> added_;        // epochs, of each of the round
  double epochs_ = 0, seconds_ = 0;
  int round_ = 0;
};

std::vector<Point> points_from(const std::string& text) {
  return json::parse(text).get<std::vector<Point>>();
}

/// The name of each finalist's row, and in `own` the trials of rows that the grid has not. Finalists that train the
/// same have one row.
std::vector<std::string> rows_of(const Study& study, const std::vector<TrialConfig>& finalists,
                                 std::vector<TrialConfig>& own) {
  std::map<std::string, std::string> variants;
  for (const TrialConfig& trial : study.trials) variants.emplace(identity_json(trial).dump(), trial.variant);
  std::vector<std::string> rows;
  const std::string* finalist = nullptr;
  for (const TrialConfig& trial : finalists) {
    const auto [row, is_new] = variants.emplace(identity_json(trial).dump(), trial.variant);
    if (is_new) own.push_back(trial);
    if (finalist == nullptr || *finalist != trial.variant) rows.push_back(row->second);
    finalist = &trial.variant;
  }
  return rows;
}

}  // namespace

SearchOutcome run_search(World& world, const Study& study, const StudyOptions& options, BatchRunner& runner,
                         Ledger& ledger) {
  Communicator& all = world.communicator();
  std::optional<SearchRun> run;  // on rank 0
  for (;;) {
    const std::vector<Point> points = points_from(on_root(all, [&] {
      if (!run) run.emplace(study, options, ledger);
      return json(run->next()).dump();
    }));
    if (points.empty()) break;
    Batch batch{.study = study, .title = {}, .quiet = true};
    together(all, [&] { batch.study.trials = candidate_trials(study, points); });
    on_root(all, [&] {
      run->add(points, batch);
      return std::string();
    });
    const BatchResult result = runner.run(batch, ledger);
    if (result.open > 0 || result.stopped) return {result, false, {}};
    on_root(all, [&] {
      run->take_results(points, batch.study.trials);
      return std::string();
    });
  }
  const std::vector<Point> best = points_from(on_root(all, [&] { return json(run->finalists()).dump(); }));
  SearchOutcome outcome{.last = {}, .ended = true, .finalists = {}};
  std::vector<std::string> rows;
  together(all, [&] { rows = rows_of(study, finalist_trials(study, best), outcome.finalists); });
  on_root(all, [&] {
    const std::vector<analysis::TrialStatus> states = run->end(rows, outcome.finalists);
    ledger.states.insert(ledger.states.end(), states.begin(), states.end());
    return std::string();
  });
  return outcome;
}

}  // namespace crossfade::runner
