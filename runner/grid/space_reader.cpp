#include "runner/grid/space_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "data/words.hpp"
#include "runner/grid/config.hpp"
#include "runner/grid/error.hpp"
#include "runner/grid/parameter_reader.hpp"
#include "runner/grid/scalar_text.hpp"
#include "runner/grid/search_settings.hpp"
#include "runner/grid/settings.hpp"
#include "runner/grid/spelling.hpp"
#include "runner/search/search_options.hpp"

namespace crossfade::runner {
namespace {

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

/// The same of all places where it stands, which have to agree.
int epochs_around(const std::vector<Reference>& uses, const Value& grid, const Value& settings) {
  int epochs = 0;
  for (const Reference& use : uses) {
    if (!use.is_key) continue;
    const int here = epochs_around(use, grid, settings);
    if (epochs > 0 && here != epochs)
      refuse(use.place, "$" + use.name + " stands in stages of " + std::to_string(epochs) + " and of " +
                            std::to_string(here) + " epochs, expected step in its range");
    epochs = here;
  }
  return epochs;
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
      if (!item.is_scalar()) refuse(item.place, "expected values for " + path + ", not " + in_words(item));
      dimension.raster.push_back(static_cast<double>(dimension.choices.size()));
      dimension.choices.push_back(item.scalar);
    }
  }
  std::ranges::sort(dimension.raster);
  std::vector<std::string> texts;  // "0.1" and 1e-1 are one
  for (const std::string& text : dimension.choices) {
    const auto number = parse_number(text);
    texts.push_back(number ? number_text(*number) : text);
  }
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
  for (const auto& [key, value] : {std::pair("from", range.from), std::pair("to", range.to)})
    if (std::isnan(value))
      refuse(entry.place,
             "missing key '" + std::string(key) + "' in " + path + ", expected {from: A, to: B} or a list");
  if (range.from > range.to)
    refuse(entry.value.place, path + " goes from " + number_text(range.from) + " to " + number_text(range.to) +
                                  ", expected from to be the smaller one");
  Dimension dimension{.name = entry.key, .from = range.from, .to = range.to, .logarithmic = range.scale == "log"};
  const bool is_moment = std::ranges::any_of(uses, &Reference::is_key);
  if (is_moment && (range.from < 0 || range.to > 1))
    refuse(entry.value.place, path + " goes from " + number_text(range.from) + " to " + number_text(range.to) +
                                  ", expected from 0 to 1: a moment is a part of its stage, not an epoch");
  if (is_moment && dimension.logarithmic)
    refuse(entry.value.place, path + " is a moment of a schedule and logarithmic, expected scale: linear");
  if (dimension.logarithmic && (range.from <= 0 || range.step > 0))
    refuse(entry.value.place, path + " is logarithmic, expected from above 0 and no step");
  if (is_moment && range.step == 0)
    dimension.raster = raster_of_epochs(range.from, range.to, epochs_around(uses, grid, settings));
  else if (range.step > 0)
    dimension.raster = raster_of_steps(range.from, range.to, range.step, entry.value.place);
  if (is_moment && dimension.raster.empty())
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
    refuse(entry.place,
           "'" + entry.key + "' stands nowhere in search.settings, expected $" + entry.key + " there, without quotes");
  Dimension dimension =
      entry.value.is_list() ? read_choices(entry, entry.value, path) : read_range(entry, path, uses, grid, settings);
  dimension.moment = std::ranges::any_of(uses, &Reference::is_key);
  return dimension;
}

Space read_dimensions(const Value& map, const Value& grid, const Value& settings) {
  if (!map.is_map() || map.map.empty())
    refuse(map.place, "expected a map {NAME: {from: A, to: B}} or {NAME: [VALUES]} for search.space, not " +
                          (map.is_map() ? "an empty map" : in_words(map)));
  const std::vector<Reference> uses = references_in(settings);
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
      for (const std::string& name : {words[w - 1], words[w + 1]})
        if (!space.dimensions[dimension_named(space, name, item.place)].choices.empty())
          refuse(item.place,
                 "'" + name + "' of search.space has texts, which are in no order, expected a range or numbers");
      space.orders.push_back({dimension_named(space, words[w - 1], item.place),
                              dimension_named(space, words[w + 1], item.place), words[w] == "<="});
    }
  }
}

}  // namespace

Space read_space(const Value& map, const Value* constraints, const Value& grid, const Value& settings) {
  Space space = read_dimensions(map, grid, settings);
  if (constraints != nullptr) read_orders(*constraints, space);
  return space;
}

}  // namespace crossfade::runner
