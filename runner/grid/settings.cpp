#include "runner/grid/settings.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "data/cohorts/cohort.hpp"
#include "data/words.hpp"
#include "runner/grid/loss_reader.hpp"
#include "runner/grid/parameter_reader.hpp"
#include "runner/grid/scalar_text.hpp"
#include "runner/grid/spelling.hpp"

namespace crossfade::runner {
namespace {

template <class Integer>
std::vector<Integer> read_integers(const Value& list, const std::string& path, std::int64_t max) {
  if (!list.is_list() || list.list.empty())
    refuse(list.place, "expected a list of integers for " + path + ", such as [1, 2], not " +
                           (list.is_list() ? "an empty list" : in_words(list)));
  std::vector<Integer> numbers;
  for (const Value& item : list.list) {
    const auto number = static_cast<Integer>(read_integer(item, path, 0, max));
    if (std::find(numbers.begin(), numbers.end(), number) != numbers.end())
      refuse(item.place, "duplicate number " + item.scalar + " in " + path + ", expected each once");
    numbers.push_back(number);
  }
  return numbers;
}

std::map<int, std::vector<std::uint64_t>> read_seeds_of_folds(const Value& map, const std::string& path) {
  if (!map.is_map())
    refuse(map.place, "expected a map {FOLD: [SEEDS]} for " + path + ", such as {0: [1, 2, 3]}, not " + in_words(map));
  std::map<int, std::vector<std::uint64_t>> seeds;
  for (const Entry& entry : map.map) {
    const auto fold = parse_integer(entry.key);
    if (!fold || *fold < 0 || *fold > std::numeric_limits<int>::max())
      refuse(entry.place, "'" + entry.key + "' in " + path + " is no fold, expected an integer, 0 or more");
    seeds[static_cast<int>(*fold)] = read_integers<std::uint64_t>(entry.value, path + "." + entry.key, kLargestSeed);
  }
  return seeds;
}

std::string read_choice(const Value& value, const std::string& path, const std::string& one, const std::string& other) {
  if (value.is_scalar() && (value.scalar == one || value.scalar == other)) return value.scalar;
  refuse(value.place, "expected " + one + " or " + other + " for " + path + ", not " + in_words(value));
}

/// The first stage trains with the trial's loss, a later one with what the loss before it ended with.
void complete_losses(std::vector<StageOptions>& stages, const std::vector<schedules::ScheduledTerm>& of_trial) {
  const std::vector<schedules::ScheduledTerm>* before = nullptr;
  for (StageOptions& stage : stages) {
    if (stage.loss.empty()) stage.loss = before == nullptr ? of_trial : schedules::ended(*before);
    before = &stage.loss;
  }
}

std::vector<StageOptions> read_stages(const Value& map, const std::string& path, const OptimizerOptions& optimizer) {
  if (!map.is_map()) refuse(map.place, "expected a map of stages for " + path + ", not " + in_words(map));
  std::vector<StageOptions> stages;
  for (const Entry& entry : map.map) {
    require_name(entry.key, entry.place, "a stage");
    StageOptions stage;
    stage.name = entry.key;
    stage.optimizer = optimizer;
    ParameterReader reader(entry.value, path + "." + entry.key);
    describe(reader, stage);
    reader.group("optimizer", stage.optimizer, "");
    if (const Value* loss = reader.take("loss")) stage.loss = read_loss(*loss, reader.path_of("loss"));
    reader.finish();
    stages.push_back(stage);
  }
  return stages;
}

const Place& place_in(const Value& map, const char* key) {
  const Value* value = map.find(key);
  return value == nullptr ? map.place : value->place;
}

/// The name of the cohort at `path`, for the end of a message.
std::string named(const std::string& path) {
  return " (cohort " + path.substr(path.find('.') + 1) + ")";
}

void check_source(const data::CohortSpec& cohort, const Value& map, const std::string& path) {
  if (const auto fault = data::fault_of(cohort)) refuse(place_in(map, fault->key.c_str()), fault->what + named(path));
}

/// Asks the splitter itself. Where a folder decides which and how many subjects there are, those that fit are assumed.
void check_split(const data::CohortSpec& cohort, const Value& map, const std::string& path) {
  const Value* split = map.find("split");
  if (split == nullptr)
    refuse(map.place, "missing key 'split' in " + path +
                          ", expected {train: N, validation: N, test: N}, {test: N} or {folds: K, validation: N}");
  const data::SplitSpec& spec = cohort.split;
  const bool from_folder = cohort.source != "phantom";
  if (const std::string wrong = data::source_split_fault(spec); !wrong.empty())
    refuse(split->place, "split: " + wrong + named(path));
  if (spec.from != "numbers") return;  // the source knows
  std::vector<std::string> names =
      from_folder ? data::named_test_subjects(spec) : data::subject_names(data::open_cohort(cohort));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());  // a name said twice is the splitter's to refuse
  const int fitting = spec.folds > 0 ? 2 * (spec.folds + spec.validation + 1)
                                     : spec.train + spec.validation + spec.test + static_cast<int>(names.size());
  const int subjects = cohort.subjects > 0 ? cohort.subjects : fitting;
  for (int s = static_cast<int>(names.size()); s < subjects; ++s) names.push_back("subject " + std::to_string(s));
  try {
    data::split_subjects(std::move(names), spec, cohort.seed, 0);
  } catch (const std::invalid_argument& error) {
    refuse(split->place, error.what() + named(path));
  }
}

}  // namespace

void require_name(const std::string& name, const Place& place, const std::string& what) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  if (name.empty() || name.find_first_not_of(letters) != std::string::npos || name == "." || name == "..")
    refuse(place, "'" + name + "' can't name " + what + ", expected letters, digits, '-', '_' and '.'");
}

std::vector<std::uint64_t> read_seeds(const Value& list, const std::string& path) {
  return read_integers<std::uint64_t>(list, path, kLargestSeed);
}

Settings read_settings(const Value& map, const std::string& path) {
  Settings settings;
  ParameterReader reader(map, path);
  if (const Value* seeds = reader.take("seeds")) settings.seeds = read_seeds(*seeds, reader.path_of("seeds"));
  if (const Value* folds = reader.take("folds"))
    settings.folds = read_integers<int>(*folds, reader.path_of("folds"), std::numeric_limits<int>::max());
  if (const Value* seeds = reader.take("seeds_of_folds"))
    settings.seeds_of_folds = read_seeds_of_folds(*seeds, reader.path_of("seeds_of_folds"));
  if (const Value* method = reader.take("method"))
    settings.method = read_choice(*method, reader.path_of("method"), "net", "atlas");
  reader.group("atlas", settings.atlas, "");
  if (const Value* precision = reader.take("precision"))
    settings.precision = model::precision_named(read_choice(
        *precision, reader.path_of("precision"), name_of(model::Precision::kFp32), name_of(model::Precision::kBf16)));
  reader.group("model", settings.model, "");
  reader.group("optimizer", settings.optimizer, "");
  if (const Value* loss = reader.take("loss")) settings.loss = read_loss(*loss, reader.path_of("loss"));
  reader.group("loss_options", settings.loss_options, "");
  reader.group("views", settings.views, "");
  if (const Value* stages = reader.take("stages"))
    settings.stages = read_stages(*stages, reader.path_of("stages"), settings.optimizer);
  complete_losses(settings.stages, settings.loss);
  reader.finish();
  return settings;
}

std::vector<std::pair<std::string, data::CohortSpec>> read_cohorts(const Value& map) {
  if (!map.is_map() || map.map.empty())
    refuse(map.place, "expected at least one cohort {NAME: {...}} for cohorts, not " +
                          (map.is_map() ? "an empty map" : in_words(map)));
  std::vector<std::pair<std::string, data::CohortSpec>> cohorts;
  for (const Entry& entry : map.map) {
    require_name(entry.key, entry.place, "a cohort");
    const std::string path = "cohorts." + entry.key;
    data::CohortSpec cohort;
    read_parameters(entry.value, path, cohort);
    check_source(cohort, entry.value, path);
    check_split(cohort, entry.value, path);
    cohorts.emplace_back(entry.key, cohort);
  }
  return cohorts;
}

std::vector<std::string> structures_of(const std::vector<std::pair<std::string, data::CohortSpec>>& cohorts) {
  const data::CohortSpec& spec = cohorts.front().second;
  if (spec.source == "nnunet" && spec.classes.empty()) return {};
  const data::Classes classes = spec.classes.empty()
                                    ? data::brain_classes()
                                    : data::own_label_table({spec.classes, spec.pairs, spec.ignore}).classes;
  return {classes.names.begin() + 1, classes.names.end()};
}

std::vector<analysis::Claim> read_claims(const Value& map, const std::vector<std::string>& variants,
                                         const std::vector<std::string>& valid) {
  if (!map.is_map()) refuse(map.place, "expected a map {CLAIM: {...}} for claims, not " + in_words(map));
  std::vector<analysis::Claim> claims;
  for (const Entry& entry : map.map) {
    analysis::Claim claim;
    claim.name = entry.key;
    const std::string path = "claims." + entry.key;
    read_parameters(entry.value, path, claim);
    for (const auto& [key, name] : {std::pair("better", &claim.better), std::pair("than", &claim.than)}) {
      if (std::find(variants.begin(), variants.end(), *name) == variants.end())
        refuse(place_in(entry.value, key), (name->empty() ? "missing key '" + std::string(key) + "' in " + path
                                                          : "unknown variant '" + *name + "' in " + path) +
                                               ", expected one of " + joined(variants) + did_you_mean(*name, variants));
    }
    if (claim.better == claim.than)
      refuse(entry.place, path + " compares '" + claim.better + "' with itself, expected two variants");
    for (const std::string& name : data::words_of(claim.most_in)) {
      if (!valid.empty() && std::find(valid.begin(), valid.end(), name) == valid.end())
        refuse(place_in(entry.value, "most_in"), "unknown structure '" + name + "' in " + path +
                                                     ".most_in, expected names as in figure 2" +
                                                     did_you_mean(name, valid));
    }
    claims.push_back(std::move(claim));
  }
  return claims;
}

}  // namespace crossfade::runner
