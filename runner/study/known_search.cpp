#include "runner/study/known_search.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "analysis/tables/search.hpp"
#include "runner/grid/grid.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/search/methods.hpp"
#include "runner/study/shared_trials.hpp"

namespace crossfade::runner {
namespace {

/// The point of the space that the database has by names.
Point point_of(const Space& space, const nlohmann::json& values) {
  Point point;
  for (const Dimension& dimension : space.dimensions) {
    const nlohmann::json& value = values.at(dimension.name);
    point.push_back(value.is_number()
                        ? value.get<double>()
                        : static_cast<double>(std::ranges::find(dimension.choices, value.get<std::string>()) -
                                              dimension.choices.begin()));
  }
  return point;
}

}  // namespace

StudySearch known_search(const std::vector<std::filesystem::path>& databases, const std::string& study_name) {
  const analysis::SearchTable table = analysis::read_search(databases, study_name);
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error("the search of study '" + table.study + "' can't be replayed: " + why);
  };
  const Study study = read_grid_text(table.grid_text, "the grid of study " + table.study);
  KnownSearch known{.search = study.search.value(), .points = {}, .dice = {}, .epochs = {}, .shared = {}};
  if (table.method != "grid")
    refuse("it tried some points by method " + table.method + ", expected all by method grid");
  for (const analysis::SearchedPoint& point : table.points) {
    if (point.by_seed.size() != table.seeds.size())
      refuse("candidate " + std::to_string(point.position + 1) + " is not finished");
    known.points.push_back(point_of(known.search.space, point.point));
    known.dice.push_back(point.by_seed);
  }
  const std::size_t all = all_points(known.search.space).size();
  if (known.points.size() != all)
    refuse("it has " + std::to_string(known.points.size()) + " of " + std::to_string(all) + " points");

  const CohortHashList names = names_as_hashes(study);
  std::vector<std::vector<TrialConfig>> trials;
  std::vector<std::vector<TrialHashes>> hashes;
  for (const Point& point : known.points) {
    trials.push_back(candidate_trials(study, {point}));
    hashes.emplace_back();
    for (const TrialConfig& trial : trials.back()) hashes.back().push_back(trial_hashes(trial, study, names));
    known.epochs.push_back(forest_epochs(trials.back(), hashes.back()).shared);
  }
  known.shared.assign(all, std::vector<double>(all));
  for (std::size_t i = 0; i < all; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      std::vector<TrialConfig> both = trials[i];
      both.insert(both.end(), trials[j].begin(), trials[j].end());
      std::vector<TrialHashes> of_both = hashes[i];
      of_both.insert(of_both.end(), hashes[j].begin(), hashes[j].end());
      known.shared[i][j] = known.shared[j][i] = known.epochs[i] + known.epochs[j] - forest_epochs(both, of_both).shared;
    }
  }
  return {table.study, std::move(known)};
}

}  // namespace crossfade::runner
