#include "runner/study/search_cost.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "data/number_words.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/search/methods.hpp"

namespace crossfade::runner {
namespace {

constexpr double kMostCounted = 1000;  // points whose trials are made

ForestEpochs epochs_of(const Study& study, const std::vector<Point>& points) {
  const std::vector<TrialConfig> trials = candidate_trials(study, points);
  const CohortHashList names = names_as_hashes(study);
  std::vector<TrialHashes> hashes;
  for (const TrialConfig& trial : trials) hashes.push_back(trial_hashes(trial, study, names));
  return forest_epochs(trials, hashes);
}

}  // namespace

std::optional<SearchCost> cost_of_search(const Study& study) {
  const Space space = tried_space(*study.search);
  if (!is_finite(space) || raster_points(space) > kMostCounted) return std::nullopt;
  const std::vector<Point> points = all_points(space);
  return SearchCost{points.size(), epochs_of(study, points)};
}

void require_budget(const Study& study) {
  if (!study.search || study.search->options.budget.epochs == 0) return;
  const Search& search = *study.search;
  const double epochs = epochs_of(study, {next_points(search, {}).front()}).shared;
  if (epochs > search.options.budget.epochs)
    throw std::runtime_error("search.budget.epochs is " + data::significant(search.options.budget.epochs, 15) +
                             ", but the first candidate takes " + epochs_text(epochs) + " (epochs of all its " +
                             data::counted(search.seeds.size(), "seed") + "), expected as many or more");
}

}  // namespace crossfade::runner
