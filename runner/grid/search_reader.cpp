#include "runner/grid/search_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>

#include "data/words.hpp"
#include "runner/grid/expand.hpp"
#include "runner/grid/parameter_reader.hpp"
#include "runner/grid/path.hpp"
#include "runner/grid/point_text.hpp"
#include "runner/grid/scalar_text.hpp"
#include "runner/grid/settings.hpp"
#include "runner/grid/spelling.hpp"
#include "runner/search/methods.hpp"

namespace crossfade::runner {
namespace {

constexpr std::size_t kMostValues = 100'000;  // of one dimension
constexpr double kAllExpanded = 1000;         // points of a space that are all expanded before anything starts
constexpr std::size_t kMostCorners = 10;      // dimensions whose ends are combined
constexpr char kMark = '$';

using Values = std::map<std::string, std::string>;  // by name

/// "first" of "$first" that isn't quoted; otherwise nothing.
std::string reference_in(const std::string& text, bool quoted = false) {
  return !quoted && text.size() > 1 && text.front() == kMark ? text.substr(1) : "";
}

/// Where $NAME stands in the settings.
struct Reference {
  std::string name;
  Place place;
  bool is_key = false;
  std::vector<std::string> path;  // keys above it
};

void find_references(const Value& value, const std::vector<std::string>& path, std::vector<Reference>& found) {
  if (const std::string name = reference_in(value.scalar, value.quoted); value.is_scalar() && !name.empty())
    found.push_back({name, value.place, false, path});
  for (const Value& item : value.list) find_references(item, path, found);
  for (const Entry& entry : value.map) {
    if (const std::string name = reference_in(entry.key); !name.empty())
      found.push_back({name, entry.place, true, path});
    std::vector<std::string> below = path;
    below.push_back(entry.key);
    find_references(entry.value, below, found);
  }
}

/// The settings with values put in.
Value filled(Value value, const Values& values) {
  if (value.is_scalar())
    if (const std::string name = reference_in(value.scalar, value.quoted); values.contains(name))
      value.scalar = values.at(name);
  for (Value& item : value.list) item = filled(std::move(item), values);
  for (Entry& entry : value.map) {
    if (const std::string name = reference_in(entry.key); values.contains(name)) entry.key = values.at(name);
    entry.value = filled(std::move(entry.value), values);
  }
  for (std::size_t i = 0; i < value.map.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (value.map[i].key == value.map[k].key)
        refuse(value.map[i].place, "'" + value.map[i].key +
                                       "' twice in one map, expected constraints that keep "
                                       "values apart that stand as keys beside one another");
  return value;
}

Values values_of(const Space& space, const Point& point) {
  Values values;
  for (std::size_t d = 0; d < point.size(); ++d)
    values[space.dimensions[d].name] = value_text(space.dimensions[d], point[d]);
  return values;
}

Value list_of(const std::vector<std::uint64_t>& seeds, const Place& place) {
  Value list;
  list.kind = Value::Kind::kList;
  list.place = place;
  for (const std::uint64_t seed : seeds) {
    Value item;
    item.kind = Value::Kind::kScalar;
    item.scalar = std::to_string(seed);
    item.place = place;
    list.list.push_back(item);
  }
  return list;
}

/// Puts these seeds in place of all that the defaults say of seeds: seeds of a fold would win over them.
void set_seeds(Value& grid, const std::vector<std::uint64_t>& seeds, const Place& place) {
  set_path(grid, "defaults.seeds", list_of(seeds, place), place);
  for (Entry& entry : grid.map)
    if (entry.key == "defaults")
      std::erase_if(entry.value.map, [](const Entry& setting) { return setting.key == "seeds_of_folds"; });
}

/// Seeds of the settings would be those of candidates and of finalists alike.
void refuse_seeds(const Value& settings) {
  for (const Entry& entry : settings.map)
    if (entry.key == "seeds" || entry.key == "seeds_of_folds")
      refuse(entry.place, "'" + entry.key +
                              "' in search.settings, expected the seeds of candidates as search.seeds, and those of "
                              "finalists and variants in defaults");
}

/// The trials of a grid with the point for its one variant, with `seeds` in place of the defaults' where there are any.
std::vector<TrialConfig> trials_at(Value grid, const Space& space, const Point& point, const std::string& variant,
                                   const std::vector<std::uint64_t>& seeds,
                                   const std::vector<std::pair<std::string, data::CohortSpec>>& cohorts) {
  const Entry settings = *grid.find("search")->find_entry("settings");
  Value variants;
  variants.kind = Value::Kind::kMap;
  variants.place = settings.place;
  try {
    variants.map.push_back({variant, settings.place, filled(settings.value, values_of(space, point))});
    refuse_seeds(variants.map.back().value);  // a $NAME may stand for a key
    if (!seeds.empty()) set_seeds(grid, seeds, settings.place);
    set_path(grid, "variants", variants, settings.place);
    return expand_trials(grid, cohorts, false);
  } catch (const GridError& error) {
    throw GridError(std::string(error.what()) + " (search with " + point_text(space, point) + ")");
  }
}

std::vector<std::uint64_t> seeds_of(const std::vector<TrialConfig>& trials, const std::string& variant) {
  std::vector<std::uint64_t> seeds;
  for (const TrialConfig& trial : trials)
    if (trial.variant == variant) seeds.push_back(trial.seed);
  return seeds;
}

/// The number of epochs of the stage in whose loss a moment stands.
int epochs_around(const Reference& moment, const Value& grid, const Value& settings) {
  const Value* defaults = grid.find("defaults");
  const Value tree = defaults == nullptr ? settings : merged(*defaults, settings);
  const Value* stages = tree.find("stages");
  const auto of_stage = [&]() -> const Value* {
    if (stages == nullptr || stages->map.empty()) return nullptr;
    if (moment.path.size() > 1 && moment.path[0] == "stages") return stages->find(moment.path[1]);
    return &stages->map.front().value;
  };
  const Value* stage = of_stage();
  const Value* epochs = stage == nullptr ? nullptr : stage->find("epochs");
  if (epochs == nullptr) return StageOptions{}.epochs;
  const auto number = parse_integer(epochs->scalar);
  if (!number || *number < 1)
    refuse(moment.place, "the raster of " + moment.name + " can't be epochs, as their number is " + in_words(*epochs) +
                             ", expected step in its range");
  return static_cast<int>(std::min<std::int64_t>(*number, 100'000));
}

/// To twelve digits: 0.1 + 2 * 0.1 is 0.3.
double in_short(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.12g", value);
  return *parse_number(digits);
}

std::vector<double> raster_of_epochs(double from, double to, int epochs) {
  std::vector<double> raster;
  for (int epoch = 1; epoch <= epochs; ++epoch)
    if (const double moment = static_cast<double>(epoch) / epochs; moment >= from && moment <= to)
      raster.push_back(moment);
  return raster;
}

std::vector<double> raster_of_steps(double from, double to, double step, const Place& place) {
  const double count = std::floor((to - from) / step + 1e-9) + 1;
  if (count > static_cast<double>(kMostValues))
    refuse(place, "more than " + std::to_string(kMostValues) + " values, expected a larger step");
  std::vector<double> raster;
  for (int k = 0; k < static_cast<int>(count); ++k) raster.push_back(in_short(from + k * step));
  return raster;
}

Dimension read_choices(const Entry& entry, const Value& list, const std::string& path) {
  if (!list.is_list() || list.list.size() < 2)
    refuse(list.place, "expected a list of two or more values for " + path + ", not " +
                           (list.is_list() ? "a shorter one" : in_words(list)));
  Dimension dimension;
  dimension.name = entry.key;
  bool numbers = true;
  for (const Value& item : list.list)
    numbers = numbers && item.is_scalar() && !item.quoted && parse_number(item.scalar);
  for (const Value& item : list.list) {
    if (numbers) {
      dimension.raster.push_back(*parse_number(item.scalar));
    } else {
      dimension.raster.push_back(static_cast<double>(dimension.choices.size()));
      dimension.choices.push_back(read_text(item, path));
    }
  }
  std::ranges::sort(dimension.raster);
  std::vector<std::string> texts = dimension.choices;
  std::ranges::sort(texts);
  if (std::ranges::adjacent_find(dimension.raster) != dimension.raster.end() ||
      std::ranges::adjacent_find(texts) != texts.end())
    refuse(list.place, "a value twice in " + path + ", expected each once");
  dimension.from = dimension.raster.front();
  dimension.to = dimension.raster.back();
  return dimension;
}

Dimension read_range(const Entry& entry, const std::string& path, const std::vector<Reference>& uses, const Value& grid,
                     const Value& settings) {
  RangeOptions range;
  read_parameters(entry.value, path, range);
  for (const char* key : {"from", "to"})
    if (entry.value.find(key) == nullptr)
      refuse(entry.place,
             "missing key '" + std::string(key) + "' in " + path + ", expected {from: A, to: B} or a list");
  if (range.from > range.to)
    refuse(entry.value.place, path + " goes from " + number_text(range.from) + " to " + number_text(range.to) +
                                  ", expected from to be the smaller one");
  Dimension dimension{.name = entry.key, .from = range.from, .to = range.to, .logarithmic = range.scale == "log"};
  if (dimension.logarithmic && (range.from <= 0 || range.step > 0))
    refuse(entry.value.place, path + " is logarithmic, expected from above 0 and no step");
  const auto moment = std::ranges::find_if(uses, &Reference::is_key);
  if (moment != uses.end() && range.step == 0 && !dimension.logarithmic)
    dimension.raster = raster_of_epochs(range.from, range.to, epochs_around(*moment, grid, settings));
  else if (range.step > 0)
    dimension.raster = raster_of_steps(range.from, range.to, range.step, entry.value.place);
  if (dimension.raster.empty() && (moment != uses.end() || range.step > 0))
    refuse(entry.value.place, "no epoch ends from " + number_text(range.from) + " to " + number_text(range.to) +
                                  " of " + path + ", expected a wider range, or step");
  return dimension;
}

Dimension read_dimension(const Entry& entry, const std::string& path, const std::vector<Reference>& all,
                         const Value& grid, const Value& settings) {
  require_name(entry.key, entry.place, "a value of the search");
  std::vector<Reference> uses;
  std::ranges::copy_if(all, std::back_inserter(uses), [&](const Reference& use) { return use.name == entry.key; });
  if (uses.empty())
    refuse(entry.place, "'" + entry.key + "' stands nowhere in search.settings, expected $" + entry.key + " there");
  Dimension dimension =
      entry.value.is_list() ? read_choices(entry, entry.value, path) : read_range(entry, path, uses, grid, settings);
  dimension.moment = std::ranges::any_of(uses, &Reference::is_key);
  return dimension;
}

Space read_space(const Value& map, const Value& grid, const Value& settings) {
  if (!map.is_map() || map.map.empty())
    refuse(map.place, "expected a map {NAME: {from: A, to: B}} or {NAME: [VALUES]} for search.space, not " +
                          (map.is_map() ? "an empty map" : in_words(map)));
  std::vector<Reference> uses;
  find_references(settings, {}, uses);
  Space space;
  std::vector<std::string> names;
  for (const Entry& entry : map.map) {
    space.dimensions.push_back(read_dimension(entry, "search.space." + entry.key, uses, grid, settings));
    names.push_back(entry.key);
  }
  for (const Reference& use : uses)
    if (std::ranges::find(names, use.name) == names.end())
      refuse(use.place, "$" + use.name + " stands for nothing in search.space, expected one of " + joined(names) +
                            did_you_mean(use.name, names));
  return space;
}

std::size_t dimension_named(const Space& space, const std::string& name, const Place& place) {
  std::vector<std::string> names;
  for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
    if (space.dimensions[d].name == name) return d;
    names.push_back(space.dimensions[d].name);
  }
  refuse(place,
         "'" + name + "' is nothing of search.space, expected one of " + joined(names) + did_you_mean(name, names));
}

/// "first < second", "a <= b < c".
void read_orders(const Value& list, Space& space) {
  const std::string expected = "expected a list such as [first < second] for search.constraints";
  if (!list.is_list()) refuse(list.place, expected + ", not " + in_words(list));
  for (const Value& item : list.list) {
    const std::vector<std::string> words = data::words_of(read_text(item, "search.constraints"));
    if (words.size() < 3 || words.size() % 2 == 0) refuse(item.place, expected + ", not " + in_words(item));
    for (std::size_t w = 1; w < words.size(); w += 2) {
      if (words[w] != "<" && words[w] != "<=")
        refuse(item.place, "'" + words[w] + "' in search.constraints, expected < or <= with spaces around it");
      space.orders.push_back({dimension_named(space, words[w - 1], item.place),
                              dimension_named(space, words[w + 1], item.place), words[w] == "<="});
    }
  }
}

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
  Space space = search.options.method == "branch" ? with_never(search.space) : search.space;
  if (is_finite(space) && raster_points(space) <= kAllExpanded) return all_points(space);
  if (space.dimensions.size() > kMostCorners) return {};
  for (Dimension& dimension : space.dimensions) {
    if (!dimension.choices.empty()) continue;
    dimension.raster = dimension.raster.empty() ? std::vector{dimension.from, dimension.to}
                                                : std::vector{dimension.raster.front(), dimension.raster.back()};
  }
  return all_points(space);
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
  search.space = read_space(*space, grid, *settings);
  if (constraints != nullptr) read_orders(*constraints, search.space);
  check_method(search, map);
  refuse_seeds(*settings);
  check_fair(grid, study, search, map);
  check_points(grid, study, search);
  check_seeds(grid, study, search, first_points(search, map).front());
  return search;
}

std::vector<std::string> finalist_names(const SearchOptions& options) {
  std::vector<std::string> names = {options.name};
  for (int n = 2; n <= options.finalists; ++n) names.push_back(options.name + " (" + std::to_string(n) + ")");
  return names;
}

std::vector<analysis::Claim> search_claims(const Study& study) {
  const bool finetuned = study.trials.front().stages.back().name == "finetune";
  std::vector<analysis::Claim> claims;
  for (const std::string& name : finalist_names(study.search->options)) {
    std::string last;
    for (const TrialConfig& trial : study.trials) {
      if (trial.variant == last) continue;
      last = trial.variant;
      claims.push_back({name + " vs. " + last, name, last, finetuned ? "finetuned" : "pretrained"});
    }
  }
  return claims;
}

std::vector<TrialConfig> candidate_trials(const Study& study, const std::vector<Point>& points) {
  const Search& search = *study.search;
  const Value grid = parse_document(study.text, "study " + study.name);
  std::vector<TrialConfig> trials;
  for (const Point& point : points) {
    const std::string variant = search.options.name + " [" + point_text(search.space, point) + "]";
    for (TrialConfig& trial : trials_at(grid, search.space, point, variant, search.seeds, study.cohorts)) {
      trial.tested = false;
      trials.push_back(std::move(trial));
    }
  }
  return trials;
}

std::vector<TrialConfig> finalist_trials(const Study& study, const std::vector<Point>& points) {
  const Search& search = *study.search;
  const Value grid = parse_document(study.text, "study " + study.name);
  const std::vector<std::string> names = finalist_names(search.options);
  std::vector<TrialConfig> trials;
  for (std::size_t p = 0; p < points.size(); ++p)
    for (TrialConfig& trial : trials_at(grid, search.space, points[p], names[p], {}, study.cohorts))
      trials.push_back(std::move(trial));
  return trials;
}

std::string settings_yaml(const std::string& grid_text, const Search& search, const Point& point) {
  const Value grid = parse_document(grid_text, "grid");
  return to_yaml(filled(*grid.find("search")->find("settings"), values_of(search.space, point)));
}

}  // namespace crossfade::runner
