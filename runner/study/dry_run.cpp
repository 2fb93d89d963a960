#include "runner/study/dry_run.hpp"

#include <algorithm>
#include <iostream>
#include <set>
#include <span>
#include <stdexcept>

#include "data/number_words.hpp"
#include "runner/grid/grid.hpp"
#include "runner/grid/point_text.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/grid/views.hpp"
#include "runner/study/cohorts.hpp"
#include "runner/study/search_check.hpp"
#include "runner/study/search_cost.hpp"
#include "runner/study/shared_trials.hpp"

namespace crossfade::runner {
namespace {

struct CohortsAtHand {
  OpenedCohorts opened;
  CohortPlans plans;  // without folders
};

CohortsAtHand open_all(const Study& study) {
  CohortsAtHand cohorts{open_cohorts(study), {}};
  for (const auto& [name, cohort] : cohorts.opened) {
    for (const data::Remark& remark : cohort.remarks)
      std::cout << "cohort " << name << ": " << remark.text << '\n';  // first: who is left out may be why a split fails
    cohorts.plans[name] = {
        .folder = {}, .splits = splits_in_use(study, name, cohort), .persons = data::persons_of(cohort)};
  }
  return cohorts;
}

/// Refuses what does not fit the data, as the study would: `whole` has its trials, and those of candidates behind them.
void check_data(const Study& whole, std::size_t trials, const CohortsAtHand& cohorts) {
  check_study(whole, cohorts.opened);
  persons_of(cohorts.plans);
  for (const TrialConfig& trial : whole.trials) splits_of(trial, cohorts.plans);
  const std::span<const TrialConfig> all = whole.trials;
  check_search(all.first(trials), all.subspan(trials), cohorts.plans);
}

/// Says what grid was derived, of cohorts that are not on the cube.
void list_grids(const OpenedCohorts& opened) {
  for (const auto& [name, cohort] : opened) {
    if (data::cube_size(cohort.spec)) continue;
    std::cout << "cohort " << name << ": " << data::counted(cohort.subjects.size(), "subject") << ", "
              << cohort.table.classes.count() << " classes, " << data::counted(cohort.channels.size(), "channel")
              << ", axis: " << cohort.spec.axis << ", grid: {width: " << cohort.grid.width
              << ", height: " << cohort.grid.height << ", mm: " << cohort.spec.grid.mm
              << ", slice_mm: " << cohort.spec.grid.slice_mm << "}\n";
  }
}

bool is_chosen(const TrialConfig& trial, const Study& study, const std::vector<std::string>& only) {
  const std::string name = trial_name(trial, study);
  return only.empty() ||
         std::ranges::any_of(only, [&](const std::string& part) { return name.find(part) != std::string::npos; });
}

/// Steps as epochs of their stage.
std::string in_epochs(std::int64_t steps, std::int64_t of_stage, int epochs) {
  return epochs_text(static_cast<double>(steps) * epochs / static_cast<double>(of_stage));
}

/// The part of training that the forest saves, epochs of all stages counted alike, and its nodes with more than one
/// trial, for a person: a line each. `names` are the trials', steps are given in epochs.
std::string describe(const SharedTrials& shared, const std::vector<TrialConfig>& trials,
                     const std::vector<std::string>& names) {
  const Forest& forest = shared.forest;
  const auto epochs = [](std::int64_t steps) { return epochs_text(static_cast<double>(steps) / kNominalSteps); };
  std::string text = "shared beginnings save " + std::to_string(100 * (forest.alone - forest.shared) / forest.alone) +
                     " % of all epochs: " + epochs(forest.shared) + " of " + epochs(forest.alone) + " are trained\n";
  std::vector<int> depth;
  for (const ForestNode& node : forest.nodes) {
    depth.push_back(node.parent < 0 ? 0 : depth[static_cast<std::size_t>(node.parent)] + 1);
    const bool below_shared = node.parent >= 0;
    if (node.paths.size() < 2 && !below_shared) continue;
    const SharedTrials::Row& first = shared.rows[node.paths.front()];
    const TrialConfig& trial = trials[first.trial];
    const StageRow row = stage_rows(trial)[first.row];
    const StageOptions& stage = trial.stages[row.stage];
    const std::int64_t steps = shared.steps[first.trial][first.row];
    text += std::string(static_cast<std::size_t>(2 + 2 * depth.back()), ' ') + stage.name;
    if (row.plane != "axial") text += " (" + row.plane + ")";
    text += ", epochs " + in_epochs(node.begin, steps, stage.epochs) + " to " +
            in_epochs(node.end, steps, stage.epochs) + ": ";
    if (node.paths.size() == 1) {
      text += names[first.trial];
    } else {
      text += std::to_string(node.paths.size()) + " trials";
      if (node.parent < 0) text += ", " + names[first.trial] + " and others";
    }
    text += '\n';
  }
  return text;
}

}  // namespace

std::string trial_name(const TrialConfig& trial, const Study& study) {
  std::set<int> folds;
  for (const TrialConfig& other : study.trials) folds.insert(other.fold);
  const std::string fold = folds.size() > 1 ? ", fold " + std::to_string(trial.fold) : "";
  return trial.variant + " (seed " + std::to_string(trial.seed) + fold + ")";
}

void require_chosen(const Study& study, const std::vector<std::string>& only) {
  for (const std::string& part : only) {
    const bool is_there =
        std::ranges::any_of(study.trials, [&](const TrialConfig& trial) { return is_chosen(trial, study, {part}); });
    if (!is_there && !study.search)  // whose candidates have names of their own
      throw std::runtime_error("--only " + part +
                               ": no trial's name has it, expected a part of a name that --dry-run prints");
  }
}

void list_trials(const Study& study, const std::vector<std::string>& only) {
  const Study whole = with_candidates(study);
  const CohortsAtHand cohorts = open_all(whole);
  check_data(whole, study.trials.size(), cohorts);
  list_grids(cohorts.opened);
  std::cout << "study " << study.name << ": " << data::counted(study.trials.size(), "trial") << '\n';
  int index = 0;
  for (const TrialConfig& trial : study.trials) {
    ++index;
    if (!is_chosen(trial, study, only)) continue;
    std::cout << "  " << index << "  " << trial_name(trial, study) << ": " << trial_model_label(trial);
    if (!uses_atlases(trial)) std::cout << ", " << trial_loss_label(trial);
    for (const StageOptions& stage : trial.stages) {
      const data::SliceGrid& grid = cohorts.opened.at(stage.cohort).grid;
      std::cout << ", " << stage.name << " ";
      if (!uses_atlases(trial)) std::cout << data::counted(stage.epochs, "epoch") << " ";
      std::cout << "on " << stage.cohort << " (" << grid.width << " x " << grid.height;
      if (!uses_atlases(trial)) std::cout << ", batch " << stage.batch;
      std::cout << ")";
    }
    std::cout << '\n';
  }
}

void list_search(const Study& study) {
  if (!study.search) return;
  const Search& search = *study.search;
  std::string text = "search (" + search.options.method + "):";
  for (const Dimension& dimension : search.space.dimensions) {
    const bool any = dimension.raster.empty();
    text += (&dimension == search.space.dimensions.data() ? " " : ", ") + dimension.name + " " +
            brief_text(dimension, any ? dimension.from : dimension.raster.front()) + " to " +
            brief_text(dimension, any ? dimension.to : dimension.raster.back()) +
            (any ? "" : " (" + data::counted(dimension.raster.size(), "value") + ")");
  }
  const std::string seeds = data::counted(search.seeds.size(), "seed");
  if (const auto all = cost_of_search(study)) {
    text += "; " + data::counted(all->points, "point") + (search.options.method == "branch" ? " with never" : "") +
            "; " + seeds + "; all of them " + epochs_text(all->epochs.shared) + " epochs, of " +
            epochs_text(all->epochs.alone) + " without shared beginnings";
  } else {
    text += "; " + seeds;
  }
  const SearchBudget& budget = search.options.budget;
  if (budget.epochs > 0) text += "; at most " + epochs_text(budget.epochs) + " epochs";
  if (budget.minutes > 0) text += "; at most " + data::significant(budget.minutes, 4) + " minutes";
  std::cout << text << "\n  to be tested: " << test_plan(study) << '\n';
}

void list_sharing(const Study& study) {
  const CohortHashList names = names_as_hashes(study);
  std::vector<TrialHashes> hashes;
  std::vector<std::string> trials;
  for (const TrialConfig& trial : study.trials) {
    hashes.push_back(trial_hashes(trial, study, names));
    trials.push_back(trial_name(trial, study));
  }
  const SharedTrials shared = share_trials(study.trials, hashes, nominal_steps);
  if (shared.forest.shared < shared.forest.alone) std::cout << describe(shared, study.trials, trials);
}

}  // namespace crossfade::runner
