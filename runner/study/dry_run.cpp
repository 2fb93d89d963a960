#include "runner/study/dry_run.hpp"

#include <array>
#include <iostream>
#include <map>
#include <set>

#include "runner/grid/grid.hpp"
#include "runner/grid/point_text.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/grid/views.hpp"
#include "runner/study/cohorts.hpp"
#include "runner/study/shared_trials.hpp"

namespace crossfade::runner {
namespace {

constexpr double kMostCounted = 1000;  // points of a search whose trials are counted

/// Opens the cohorts whose grid is to be derived, and says what it is; sides of their slices by name.
std::map<std::string, std::array<int, 2>> list_grids(const Study& study) {
  std::map<std::string, std::array<int, 2>> sides_of;
  for (const auto& [name, spec] : cohorts_in_use(study)) {
    if (data::cube_size(spec)) continue;
    const data::Cohort cohort = data::open_cohort(spec);
    sides_of[name] = {cohort.grid.width, cohort.grid.height};
    splits_in_use(study, name, cohort);  // refuses what does not fit
    std::cout << "cohort " << name << ": " << cohort.subjects.size() << " subjects, " << cohort.table.classes.count()
              << " classes, " << cohort.channels.size() << (cohort.channels.size() == 1 ? " channel" : " channels")
              << ", axis: " << cohort.spec.axis << ", grid: {width: " << cohort.grid.width
              << ", height: " << cohort.grid.height << ", mm: " << cohort.spec.grid.mm
              << ", slice_mm: " << cohort.spec.grid.slice_mm << "}\n";
    for (const data::Remark& remark : cohort.remarks) std::cout << "  " << remark.text << '\n';
  }
  return sides_of;
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
  std::string text = "shared beginnings save " + std::to_string(100 * (forest.alone - forest.shared) / forest.alone) +
                     " % of all epochs\n";
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

void list_trials(const Study& study) {
  const std::map<std::string, std::array<int, 2>> sides_of = list_grids(study);
  std::cout << "study " << study.name << ": " << study.trials.size() << " trials\n";
  int index = 0;
  for (const TrialConfig& trial : study.trials) {
    std::cout << "  " << ++index << "  " << trial_name(trial, study) << ": " << trial_model_label(trial);
    if (!uses_atlases(trial)) std::cout << ", " << trial_loss_label(trial);
    for (const StageOptions& stage : trial.stages) {
      const data::CohortSpec& cohort = cohort_of(study, stage.cohort);
      const std::array<int, 2> sides = sides_of.contains(stage.cohort)
                                           ? sides_of.at(stage.cohort)
                                           : data::slice_size(cohort).value_or(std::array{0, 0});
      std::cout << ", " << stage.name << " ";
      if (!uses_atlases(trial)) std::cout << stage.epochs << " epochs ";
      std::cout << "on " << stage.cohort << " (" << sides[0] << " x " << sides[1];
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
            (any ? "" : " (" + std::to_string(dimension.raster.size()) + " values)");
  }
  if (is_finite(search.space) && raster_points(search.space) <= kMostCounted) {
    const std::vector<Point> points = all_points(search.space);
    const std::vector<TrialConfig> trials = candidate_trials(study, points);
    const CohortHashList names = names_as_hashes(study);
    std::vector<TrialHashes> hashes;
    for (const TrialConfig& trial : trials) hashes.push_back(trial_hashes(trial, study, names));
    const ForestEpochs epochs = forest_epochs(trials, hashes);
    text += "; " + std::to_string(points.size()) + " points; " + std::to_string(search.seeds.size()) +
            " seeds; all of them " + epochs_text(epochs.shared) + " epochs, of " + epochs_text(epochs.alone) +
            " without shared beginnings";
  } else {
    text += "; " + std::to_string(search.seeds.size()) + " seeds";
  }
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
