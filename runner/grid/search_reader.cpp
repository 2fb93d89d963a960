#include "runner/grid/search_reader.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "data/number_words.hpp"
#include "runner/grid/error.hpp"
#include "runner/grid/parameter_reader.hpp"
#include "runner/grid/point_text.hpp"
#include "runner/grid/scalar_text.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/grid/settings.hpp"
#include "runner/grid/space_reader.hpp"
#include "runner/grid/trial_json.hpp"
#include "runner/search/methods.hpp"

namespace crossfade::runner {
namespace {

constexpr double kAllExpanded = 1000;    // points of a space that are all expanded before anything starts
constexpr double kMostCorners = 4096;    // combinations of the ends of all ranges, and of all texts
constexpr std::size_t kMostEach = 1000;  // values of a dimension, of those of a larger space

const Place& place_of_constraints(const Value& map) {
  const Value* constraints = map.find("constraints");
  return constraints == nullptr ? map.place : constraints->place;
}

/// What the method asks of the space and the budget.
void check_method(const Search& search, const Value& map) {
  const SearchOptions& options = search.options;
  for (const Dimension& dimension : search.space.dimensions) {
    const std::string who = "'" + dimension.name + "' of search.space ";
    if (options.method == "grid" && dimension.raster.empty())
      refuse(map.place,
             who + "has no raster, expected " + (dimension.logarithmic ? "" : "step or ") + "a list with method grid");
    if (options.method == "branch" && dimension.moment && !dimension.choices.empty())
      refuse(map.place, who + "has texts, expected method grid, random or model, or numbers (1: never) as a PROGRESS");
    if (options.method == "branch" && !dimension.moment)
      refuse(map.place, who + "is no moment of a schedule, expected method grid, random or model, or $" +
                            dimension.name + " as a PROGRESS alone");
  }
  const bool open_end = options.method == "random" || options.method == "model";
  if (open_end && options.budget.epochs == 0 && options.budget.minutes == 0)
    refuse(map.place,
           "method " + options.method + " has no end of its own, expected search.budget with epochs or minutes");
  if (options.method == "grid" && raster_points(search.space) > static_cast<double>(kMostValues))
    refuse(map.place, "the grid of search.space has " + number_text(raster_points(search.space)) +
                          " points, expected at most " + std::to_string(kMostValues));
  if (!is_finite(search.space) || raster_points(search.space) > static_cast<double>(kMostValues)) return;
  if (all_points(search.space).empty())
    refuse(place_of_constraints(map),
           "search.constraints leave no point of search.space, expected some that its values can fulfil");
  const std::size_t points = all_points(tried_space(search)).size();
  if (static_cast<std::size_t>(options.finalists) > points)
    refuse(map.place, "search.finalists is " + std::to_string(options.finalists) + ", but search.space has " +
                          data::counted(points, "point") + ", expected as many or fewer");
}

/// What the method tries first. Where there is nothing, the constraints forbid it.
std::vector<Point> first_points(const Search& search, const Value& map) {
  std::vector<Point> first = next_points(search, {});
  if (!first.empty()) return first;
  const std::string why = search.options.method == "branch"
                              ? "it tries one moment while the others are never (1), and < forbids two that are both "
                                "never, expected <= between these where they stand in curves of their own, or another "
                                "method"
                              : "no point that it draws fulfils them, expected some that more of search.space fulfils";
  refuse(place_of_constraints(map),
         "search.constraints leave method " + search.options.method + " nothing to begin with: " + why);
}

std::vector<std::uint64_t> sorted(std::vector<std::uint64_t> seeds) {
  std::ranges::sort(seeds);
  return seeds;
}

/// Finalists and variants are compared over the same seeds, none of which the search has seen, in one fold.
void check_fair(const Value& grid, const Study& study, const Search& search, const Value& map) {
  if (const Entry* sweep = grid.find_entry("sweep"))
    refuse(sweep->place, "a sweep beside search, expected its paths in search.space, or its values as variants");
  const std::vector<std::uint64_t> seeds = sorted(seeds_of(study.trials, study.trials.front().variant));
  for (const TrialConfig& trial : study.trials) {
    const Place& place = grid.find("variants")->find_entry(trial.variant)->place;
    if (sorted(seeds_of(study.trials, trial.variant)) != seeds)
      refuse(place, "variant '" + trial.variant + "' has other seeds than '" + study.trials.front().variant +
                        "', expected the same for all, as what the search finds is compared with them");
    if (trial.fold != study.trials.front().fold)
      refuse(place, "a search over several folds would see subjects that another fold tests, expected folds: [K]");
    if (std::ranges::find(search.seeds, trial.seed) != search.seeds.end())
      refuse(map.find("seeds")->place, "seed " + std::to_string(trial.seed) +
                                           " of search.seeds is one that variants "
                                           "are trained with, expected seeds of the search's own");
    for (const std::string& name : finalist_names(search.options))
      if (trial.variant == name)
        refuse(place, "'" + name + "' is what the search calls its row, expected another name");
  }
}

/// The first of `points` that is allowed once `change` was made to it is added to `all`, changed.
template <class Change>
void add_changed(const Space& space, const std::vector<Point>& points, const Change& change, std::vector<Point>& all) {
  for (Point point : points) {
    change(point);
    if (!allows(space, point)) continue;
    all.push_back(std::move(point));
    return;
  }
}

/// Points that are expanded before anything starts: all of a small space; of a larger one those at the ends of its
/// ranges, one with each value, and one with each value that two moments may have in common, as keys of one curve must
/// not. `first`: what the method tries first.
std::vector<Point> probes(const Search& search, const std::vector<Point>& first) {
  const Space space = tried_space(search);
  if (is_finite(space) && raster_points(space) <= kAllExpanded) return all_points(space);
  const Space ends = with_ends(space);
  std::vector<Point> bases = first;
  if (raster_points(ends) <= kMostCorners) std::ranges::copy(all_points(ends), std::back_inserter(bases));
  std::vector<Point> points = bases;
  for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
    const std::vector<double>& values = space.dimensions[d].raster;
    for (std::size_t v = 0; v < values.size(); v += 1 + values.size() / kMostEach)
      add_changed(
          space, bases, [&](Point& point) { point[d] = values[v]; }, points);
  }
  for (const Order& order : space.orders) {
    const std::vector<double>&before = space.dimensions[order.before].raster,
          &behind = space.dimensions[order.behind].raster;
    for (std::size_t v = 0; order.or_equal && v < before.size(); v += 1 + before.size() / kMostEach)
      if (std::ranges::binary_search(behind, before[v]))
        add_changed(
            space, bases, [&](Point& point) { point[order.before] = point[order.behind] = before[v]; }, points);
  }
  return points;
}

/// A point that method branch alone tries: a moment that never comes, beyond its range.
bool is_beyond(const Space& space, const Point& point) {
  for (std::size_t d = 0; d < point.size(); ++d)
    if (space.dimensions[d].moment && point[d] == kNever && space.dimensions[d].raster.back() < kNever) return true;
  return false;
}

/// The trials of a point, as its finalist would have them.
std::vector<TrialConfig> probe(const Value& grid, const Study& study, const Search& search, const Point& point) {
  try {
    return trials_at(grid, search.space, point, search.options.name, {}, study.cohorts);
  } catch (const GridError& error) {
    if (search.options.method != "branch" || !is_beyond(search.space, point)) throw;
    throw GridError(std::string(error.what()) +
                    ": 1 is never, with which method branch begins; expected constraints that leave such points out, "
                    "such as [first < second], or another method");
  }
}

/// That each dimension makes another trial of some point. `identities`: of the points' trials.
void check_effects(const Space& space, const Value& map, const std::vector<Point>& points,
                   const std::vector<std::string>& identities) {
  for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
    std::map<Point, std::size_t> seen;  // the first point with these other coordinates
    std::optional<std::pair<std::size_t, std::size_t>> equal;
    bool differ = false;
    for (std::size_t p = 0; p < points.size() && !differ; ++p) {
      Point others = points[p];
      others[d] = 0;
      const auto [first, is_new] = seen.emplace(std::move(others), p);
      if (is_new || points[first->second][d] == points[p][d]) continue;
      differ = identities[first->second] != identities[p];
      if (!equal) equal = {first->second, p};
    }
    if (differ || !equal) continue;
    const Dimension& dimension = space.dimensions[d];
    refuse(map.find("space")->find_entry(dimension.name)->place,
           "'" + dimension.name + "' changes nothing: with " + value_text(dimension, points[equal->first][d]) +
               " and with " + value_text(dimension, points[equal->second][d]) + " trials are the same, expected $" +
               dimension.name + " where nothing stands over it, as a key of a stage does over that of its variant");
  }
}

/// That trials can be made of points, and that these compare with the variants and with one another: nets, in the
/// variants' fold, validated on one kind of labels.
void check_points(const Value& grid, const Study& study, const Search& search, const std::vector<Point>& points) {
  const Place& place = grid.find("search")->find("settings")->place;
  std::string labels;
  std::vector<std::string> identities;
  for (const Point& point : points) {
    const std::vector<TrialConfig> trials = probe(grid, study, search, point);
    identities.push_back(identity_json(trials.front()).dump());
    for (const TrialConfig& trial : trials) {
      if (uses_atlases(trial)) refuse(place, "atlases learn nothing, expected method: net in search.settings");
      if (trial.fold != study.trials.front().fold)
        refuse(place, "search.settings has other folds than the variants, expected the same");
      const std::string& own = trial.stages.back().labels;
      if (!labels.empty() && own != labels)
        refuse(place, "candidates are validated on " + labels + " and on " + own +
                          " labels, expected the same labels for all in their last stage, as their Dice ranks them");
      labels = own;
    }
  }
  check_effects(search.space, *grid.find("search"), points, identities);
}

/// That finalists have the seeds of the variants, and candidates each seed of the search once.
void check_seeds(const Value& grid, const Study& study, const Search& search, const Point& point) {
  const auto seeds_with = [&](const std::vector<std::uint64_t>& seeds) {
    return seeds_of(trials_at(grid, search.space, point, search.options.name, seeds, study.cohorts),
                    search.options.name);
  };
  const std::string& variant = study.trials.front().variant;
  if (sorted(seeds_with({})) != sorted(seeds_of(study.trials, variant)))
    refuse(grid.find("variants")->find_entry(variant)->place,
           "variant '" + variant + "' has other seeds than defaults, with which what the search finds is trained, " +
               "expected the same");
  if (seeds_with(search.seeds) != search.seeds)
    refuse(grid.find("search")->find("settings")->place,
           "candidates would have other seeds than search.seeds, expected settings that say nothing of seeds");
}

}  // namespace

Search read_search(const Value& grid, const Study& study) {
  const Value& map = *grid.find("search");
  if (map.is_list()) refuse(map.place, "expected a map for search, one a grid, not a list");
  Search search;
  ParameterReader reader(map, "search");
  describe(reader, search.options);
  const Value* space = reader.take("space");
  const Value* settings = reader.take("settings");
  const Value* constraints = reader.take("constraints");
  const Value* seeds = reader.take("seeds");
  reader.finish();
  for (const auto& [value, key] : {std::pair(space, "space: {NAME: {from: A, to: B}}"),
                                   std::pair(settings, "settings: {loss: {..}} with $NAME in it"),
                                   std::pair(seeds, "seeds: [..], other ones than those of defaults")})
    if (value == nullptr) refuse(map.place, std::string("missing key in search, expected ") + key);
  search.seeds = read_seeds(*seeds, "search.seeds");
  if (!settings->is_map()) refuse(settings->place, "expected a map for search.settings, not " + in_words(*settings));
  search.space = read_space(*space, constraints, grid, *settings);
  check_method(search, map);
  refuse_seeds(*settings);
  check_fair(grid, study, search, map);
  const std::vector<Point> first = first_points(search, map);
  check_points(grid, study, search, probes(search, first));
  check_seeds(grid, study, search, first.front());
  return search;
}

}  // namespace crossfade::runner
