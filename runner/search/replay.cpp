#include "runner/search/replay.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <stdexcept>

#include "analysis/scores/statistics.hpp"
#include "data/random.hpp"
#include "runner/search/methods.hpp"

namespace crossfade::runner {
namespace {

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::size_t index_of(const KnownSearch& known, const Point& point) {
  const auto found = std::ranges::find(known.points, point);
  if (found == known.points.end())
    throw std::invalid_argument("replay: the search asks for a point that the known one has not tried");
  return static_cast<std::size_t>(found - known.points.begin());
}

/// The known search with another method and seed.
Search search_by(const KnownSearch& known, const std::string& method, std::uint64_t seed) {
  Search search = known.search;
  search.options.method = method;
  search.options.seed = seed;
  return search;
}

/// "'second', 'third'": the moments that are never in the point, and never so in the grid.
std::string never_only_in(const Point& point, const Space& space) {
  std::string names;
  for (std::size_t d = 0; d < point.size(); ++d) {
    const Dimension& dimension = space.dimensions[d];
    if (point[d] == kNever && std::ranges::find(dimension.raster, kNever) == dimension.raster.end())
      names += (names.empty() ? "'" : ", '") + dimension.name + "'";
  }
  return names;
}

}  // namespace

std::string replay_fault(const KnownSearch& known, const std::string& method) {
  if (method != "branch") return {};  // the others try points of the grid alone
  for (const Dimension& dimension : known.search.space.dimensions)
    if (!dimension.moment || !dimension.choices.empty())
      return "'" + dimension.name + "' is no moment of a schedule, expected moments alone";
  const std::vector<Point> first = next_points(search_by(known, method, 1), {});
  if (first.empty())
    return "the constraints leave it nothing to begin with, expected <= between moments that may both be never";
  // Where these are points of the grid, so are all later ones, as each takes over from a tried one.
  const std::string lacking = never_only_in(first.front(), known.search.space);
  if (lacking.empty()) return {};
  return "the known grid lacks 1 (never) of " + lacking + ", with which it begins, expected a range up to 1";
}

std::vector<ReplayStep> replay(const KnownSearch& known, const std::string& method, std::uint64_t seed) {
  const Search search = search_by(known, method, seed);
  std::vector<double> truth;
  for (const std::vector<double>& dice : known.dice) truth.push_back(mean_of(dice));
  const double best = *std::ranges::max_element(truth);

  data::Random random(seed, data::Purpose::kSearch, 2);
  const std::size_t seeds = known.dice.front().size();
  std::vector<std::size_t> drawn(seeds);
  for (std::size_t& draw : drawn) draw = static_cast<std::size_t>(random.below(seeds));

  std::vector<ReplayStep> steps;
  std::vector<Tried> tried;
  std::vector<std::size_t> indices;
  double epochs = 0;
  for (std::vector<Point> next = next_points(search, {}); !next.empty(); next = next_points(search, tried)) {
    for (const Point& point : next) {
      const std::size_t index = index_of(known, point);
      double shared = 0;  // ways are a tree: with the one that it goes along with furthest
      for (const std::size_t other : indices) shared = std::max(shared, known.shared[index][other]);
      epochs += known.epochs[index] - shared;
      double dice = 0;
      for (const std::size_t draw : drawn) dice += known.dice[index][draw] / static_cast<double>(seeds);
      tried.push_back({point, dice});
      indices.push_back(index);
      steps.push_back({epochs, best - truth[indices[best_of(tried, 1).front()]]});
    }
  }
  return steps;
}

std::vector<RegretQuartiles> regret_at_costs(const KnownSearch& known,
                                             const std::vector<std::vector<ReplayStep>>& replays) {
  const auto [worst, best] = std::ranges::minmax_element(known.dice, {}, mean_of);
  const double at_first = mean_of(*best) - mean_of(*worst);
  std::set<double> costs;
  for (const std::vector<ReplayStep>& steps : replays)
    for (const ReplayStep& step : steps) costs.insert(step.epochs);
  std::vector<RegretQuartiles> quartiles;
  for (const double cost : costs) {
    std::vector<double> regrets;
    for (const std::vector<ReplayStep>& steps : replays) {
      const auto behind = std::ranges::upper_bound(steps, cost, {}, &ReplayStep::epochs);
      regrets.push_back(behind == steps.begin() ? at_first : std::prev(behind)->regret);
    }
    std::ranges::sort(regrets);
    quartiles.push_back(
        {cost, analysis::quantile(regrets, 0.25), analysis::quantile(regrets, 0.5), analysis::quantile(regrets, 0.75)});
  }
  return quartiles;
}

}  // namespace crossfade::runner
