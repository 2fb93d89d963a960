#include "runner/grid/search_trials.hpp"

#include <set>

#include "data/number_words.hpp"
#include "runner/grid/error.hpp"
#include "runner/grid/expand.hpp"
#include "runner/grid/path.hpp"
#include "runner/grid/point_text.hpp"
#include "runner/grid/search_settings.hpp"
#include "runner/grid/spelling.hpp"
#include "runner/search/methods.hpp"

namespace crossfade::runner {
namespace {

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

}  // namespace

std::vector<std::string> finalist_names(const SearchOptions& options) {
  std::vector<std::string> names = {options.name};
  for (int n = 2; n <= options.finalists; ++n) names.push_back(options.name + " (" + std::to_string(n) + ")");
  return names;
}

std::vector<std::uint64_t> seeds_of(const std::vector<TrialConfig>& trials, const std::string& variant) {
  std::vector<std::uint64_t> seeds;
  for (const TrialConfig& trial : trials)
    if (trial.variant == variant) seeds.push_back(trial.seed);
  return seeds;
}

std::string test_plan(const Study& study) {
  std::vector<std::string> names, seeds;
  for (const std::string& name : finalist_names(study.search->options)) names.push_back("'" + name + "'");
  for (const std::uint64_t seed : seeds_of(study.trials, study.trials.front().variant))
    seeds.push_back(std::to_string(seed));
  std::set<std::string> variants;
  for (const TrialConfig& trial : study.trials) variants.insert(trial.variant);
  const std::string with = seeds.size() == 1 ? "seed " + seeds.front() + ", once; no claim can hold with one seed"
                                             : "seeds " + joined(seeds) + " each, once";
  return joined(names) + " beside " + data::counted(variants.size(), "variant") + ", with " + with;
}

std::vector<analysis::Claim> search_claims(const Study& study) {
  const auto is_tuned = [](const TrialConfig& trial) { return trial.stages.back().name == "finetune"; };
  const bool found_is_tuned = is_tuned(finalist_trials(study, {next_points(*study.search, {}).front()}).front());
  std::vector<analysis::Claim> claims;
  for (const std::string& name : finalist_names(study.search->options)) {
    std::string last;
    for (const TrialConfig& trial : study.trials) {
      if (trial.variant == last) continue;
      last = trial.variant;
      claims.push_back(
          {name + " vs. " + last, name, last, found_is_tuned && is_tuned(trial) ? "finetuned" : "pretrained"});
    }
  }
  return claims;
}

std::vector<TrialConfig> trials_at(Value grid, const Space& space, const Point& point, const std::string& variant,
                                   const std::vector<std::uint64_t>& seeds,
                                   const std::vector<std::pair<std::string, data::CohortSpec>>& cohorts) {
  const Entry settings = *grid.find("search")->find_entry("settings");
  Value variants;
  variants.kind = Value::Kind::kMap;
  variants.place = settings.place;
  try {
    variants.map.push_back({variant, settings.place, filled(settings.value, space, point)});
    refuse_seeds(variants.map.back().value);  // a $NAME may stand for a key
    if (!seeds.empty()) set_seeds(grid, seeds, settings.place);
    set_path(grid, "variants", variants, settings.place);
    return expand_trials(grid, cohorts, false);
  } catch (const GridError& error) {
    std::string what = error.what();
    const std::string as_variant = "variants." + variant;
    for (std::size_t at = what.find(as_variant); at != std::string::npos; at = what.find(as_variant))
      what.replace(at, as_variant.size(), "search.settings");
    throw GridError(what + " (search with " + point_text(space, point) + ")");
  }
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

void refuse_seeds(const Value& settings) {
  for (const Entry& entry : settings.map)
    if (entry.key == "seeds" || entry.key == "seeds_of_folds")
      refuse(entry.place, "'" + entry.key +
                              "' in search.settings, expected the seeds of candidates as search.seeds, and those of "
                              "finalists and variants in defaults");
}

}  // namespace crossfade::runner
