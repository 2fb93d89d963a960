#include "runner/grid/search_reader.hpp"

#include <algorithm>

#include "runner/grid/error.hpp"
#include "runner/grid/parameter_reader.hpp"
#include "runner/grid/scalar_text.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/grid/settings.hpp"
#include "runner/grid/space_reader.hpp"
#include "runner/search/methods.hpp"

namespace crossfade::runner {
namespace {

constexpr double kAllExpanded = 1000;     // points of a space that are all expanded before anything starts
constexpr std::size_t kMostCorners = 10;  // dimensions whose ends are combined

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
      refuse(map.place, who + "has no raster, expected step or a list with method grid");
    if (options.method == "branch" && (!dimension.moment || !dimension.choices.empty()))
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
  if (is_finite(search.space) && raster_points(search.space) <= static_cast<double>(kMostValues) &&
      all_points(search.space).empty())
    refuse(place_of_constraints(map),
           "search.constraints leave no point of search.space, expected some that its values can fulfil");
}

/// What the method tries first. Where there is nothing, the constraints forbid it.
std::vector<Point> first_points(const Search& search, const Value& map) {
  std::vector<Point> first = next_points(search, {});
  if (!first.empty()) return first;
  const std::string why = search.options.method == "branch"
                              ? "it tries one moment while the others are never (1), and < forbids two that are both "
                                "never, expected <= between these, or another method"
                              : "no point that it draws fulfils them, expected some that more of search.space fulfils";
  refuse(place_of_constraints(map),
         "search.constraints leave method " + search.options.method + " nothing to begin with: " + why);
}

/// Finalists and variants are compared over the same seeds, none of which the search has seen, in one fold.
void check_fair(const Value& grid, const Study& study, const Search& search, const Value& map) {
  if (const Entry* sweep = grid.find_entry("sweep"))
    refuse(sweep->place, "a sweep beside search, expected its paths in search.space, or its values as variants");
  const std::vector<std::uint64_t> seeds = seeds_of(study.trials, study.trials.front().variant);
  for (const TrialConfig& trial : study.trials) {
    const Place& place = grid.find("variants")->find_entry(trial.variant)->place;
    if (seeds_of(study.trials, trial.variant) != seeds)
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

/// Points that are expanded before anything starts.
std::vector<Point> probes(const Search& search) {
  const Space space = search.options.method == "branch" ? with_never(search.space) : search.space;
  if (is_finite(space) && raster_points(space) <= kAllExpanded) return all_points(space);
  if (space.dimensions.size() > kMostCorners) return {};
  return all_points(with_ends(space));
}

/// That trials can be made of points, and that these compare with the variants: nets, in the variants' fold.
void check_points(const Value& grid, const Study& study, const Search& search) {
  const Place& place = grid.find("search")->find("settings")->place;
  for (const Point& point : probes(search)) {
    for (const TrialConfig& trial : trials_at(grid, search.space, point, search.options.name, {}, study.cohorts)) {
      if (uses_atlases(trial)) refuse(place, "atlases learn nothing, expected method: net in search.settings");
      if (trial.fold != study.trials.front().fold)
        refuse(place, "search.settings has other folds than the variants, expected the same");
    }
  }
}

/// That finalists have the seeds of the variants, and candidates each seed of the search once.
void check_seeds(const Value& grid, const Study& study, const Search& search, const Point& point) {
  const auto seeds_with = [&](const std::vector<std::uint64_t>& seeds) {
    return seeds_of(trials_at(grid, search.space, point, search.options.name, seeds, study.cohorts),
                    search.options.name);
  };
  const std::string& variant = study.trials.front().variant;
  if (seeds_with({}) != seeds_of(study.trials, variant))
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
  search.space = read_space(*space, constraints, grid, *settings);
  check_method(search, map);
  refuse_seeds(*settings);
  check_fair(grid, study, search, map);
  check_points(grid, study, search);
  check_seeds(grid, study, search, first_points(search, map).front());
  return search;
}

}  // namespace crossfade::runner
