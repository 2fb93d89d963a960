#include "runner/grid/expand.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "runner/grid/keys.hpp"
#include "runner/grid/learning_rate.hpp"
#include "runner/grid/path.hpp"
#include "runner/grid/scalar_text.hpp"
#include "runner/grid/settings.hpp"
#include "runner/grid/spelling.hpp"
#include "runner/grid/trial_json.hpp"
#include "runner/grid/views.hpp"

namespace crossfade::runner {
namespace {

using Cohorts = std::vector<std::pair<std::string, data::CohortSpec>>;

/// A point of the sweep: what to set, and how it is called.
struct Combination {
  std::vector<std::pair<const Entry*, const Value*>> settings;  // path, value
  std::string suffix;                                           // " [optimizer.lr=0.0003]"
};

std::string short_text(const Value& value) {
  const auto number = value.is_scalar() && !value.quoted ? parse_number(value.scalar) : std::nullopt;
  return number ? number_text(*number) : to_flow_yaml(value);
}

std::vector<Combination> combinations(const Value* sweep) {
  std::vector<Combination> all(1);
  if (sweep == nullptr) return all;
  if (!sweep->is_map()) refuse(sweep->place, "expected a map {PATH: [VALUES]} for sweep, not " + in_words(*sweep));
  for (const Entry& entry : sweep->map) {
    if (entry.key == "seeds" || entry.key == "folds" || entry.key == "seeds_of_folds")
      refuse(entry.place, entry.key + " multiply by themselves, expected them under defaults: " + entry.key + ": [..]");
    if (!entry.value.is_list() || entry.value.list.empty())
      refuse(entry.value.place, "expected a list of values for sweep." + entry.key + ", not " +
                                    (entry.value.is_list() ? "an empty list" : in_words(entry.value)));
    std::vector<Combination> longer;
    for (const Combination& before : all) {
      for (const Value& value : entry.value.list) {
        Combination next = before;
        next.settings.emplace_back(&entry, &value);
        next.suffix += (next.suffix.empty() ? " [" : ", ") + entry.key + "=" + short_text(value);
        longer.push_back(next);
      }
    }
    all = std::move(longer);
  }
  if (!sweep->map.empty())
    for (Combination& combination : all) combination.suffix += "]";
  return all;
}

/// A loss is replaced whole, the trial's like a stage's: half of another schedule is never meant.
void replace_losses(Value& base, const Value& by) {
  if (by.find("loss") != nullptr) std::erase_if(base.map, [](const Entry& entry) { return entry.key == "loss"; });
  const Value* stages = by.find("stages");
  for (Entry& entry : base.map) {
    if (entry.key != "stages" || stages == nullptr) continue;
    for (Entry& stage : entry.value.map) {
      if (const Value* other = stages->find(stage.key)) replace_losses(stage.value, *other);
    }
  }
}

/// Maps merge key by key.
Value with(Value base, const Value& over) {
  replace_losses(base, over);
  return merged(std::move(base), over);
}

Value settings_tree(const Value& defaults, const Value& variant, const Combination& combination) {
  Value tree = with(defaults, variant);
  for (const auto& [path, value] : combination.settings) {
    Value checked = tree;
    set_path(checked, path->key, *value, path->place);
    const bool is_of_loss = ("." + path->key + ".").find(".loss.") != std::string::npos;
    const bool merges = value->is_map() && !is_of_loss;
    tree = merges ? with(tree, nested_at(tree, path->key, *value, path->place)) : std::move(checked);
  }
  return tree;
}

/// The place of a dotted path's deepest part that is there.
const Place& place_of(const Value& tree, const std::vector<std::string>& path, const Place& otherwise) {
  const Value* value = &tree;
  const Place* place = &otherwise;
  for (const std::string& key : path) {
    value = value->find(key);
    if (value == nullptr) break;
    place = &value->place;
  }
  return *place;
}

const data::CohortSpec& find_cohort(const Cohorts& cohorts, const std::string& name, const Place& place) {
  std::vector<std::string> names;
  for (const auto& [key, cohort] : cohorts) {
    if (key == name) return cohort;
    names.push_back(key);
  }
  refuse(place, "unknown cohort '" + name + "', expected one of " + joined(names) + did_you_mean(name, names));
}

std::string size_text(const std::array<int, 2>& sides) {
  return std::to_string(sides[0]) + " x " + std::to_string(sides[1]);
}

/// The place of a key of the stage, or of what it stands in.
const Place& place_in_stage(const Value& tree, const StageOptions& stage, const char* key, const Entry& variant) {
  return place_of(tree, {"stages", stage.name, key}, variant.place);
}

/// A row of tables, and a line of what is printed.
void require_row_name(const std::string& name, const Place& place) {
  const bool is_one_line = std::ranges::all_of(name, [](unsigned char c) { return c >= ' ' && c != 127; });
  if (name.empty() || !is_one_line || name.front() == ' ' || name.back() == ' ')
    refuse(place, "'" + name + "' can't name a variant, expected a name in one line, without blanks at its ends");
}

/// What a net asks of the data of a stage.
void check_net(const Settings& settings, const StageOptions& stage, const data::CohortSpec& cohort, const Value& tree,
               const Entry& variant) {
  const std::string who = "variant '" + variant.key + "'", where = "stages." + stage.name;
  if (settings.model.kernel % 2 == 0)
    refuse(place_of(tree, {"model", "kernel"}, variant.place),
           "model.kernel " + std::to_string(settings.model.kernel) + " of " + who + " is even, expected an odd number");
  if (const auto sides = data::slice_size(cohort)) {  // otherwise check_study() asks again, once the cohort is open
    const std::string fault = size_fault(settings.model, who, stage, *sides);
    if (!fault.empty())
      refuse(fault.starts_with("crop")
                 ? place_in_stage(tree, stage, "crop", variant)
                 : place_of(tree, {"model", "depth"}, place_of(tree, {"stages", stage.name}, variant.place)),
             fault);
  }
  if (views_of(settings.views).size() > 1 && !data::cube_size(cohort))
    refuse(place_of(tree, {"views"}, variant.place),
           "views of " + who + " need equal voxels and as many slices as pixels on every plane, expected cohort '" +
               stage.cohort + "' with size in place of grid");
  if (stage.patience > 0 && (last_change(stage.optimizer) == 1 || schedules::last_change(stage.loss) == 1))
    refuse(place_in_stage(tree, stage, "patience", variant),
           where + ".patience of " + who +
               " never runs out, because learning rate or loss change to the end of the stage, "
               "expected lr_schedule constant or step, and a last point before 1");
}

void check_folds(const Settings& settings, const StageOptions& stage, int folds, const Value& tree,
                 const Entry& variant) {
  for (const auto& [fold, seeds] : settings.seeds_of_folds)
    if (fold >= folds)
      refuse(place_of(tree, {"seeds_of_folds", std::to_string(fold)}, variant.place),
             "seeds_of_folds has fold " + std::to_string(fold) + ", but cohort '" + stage.cohort + "' has " +
                 (folds == 1 ? "no folds, expected seeds alone" : "folds 0 to " + std::to_string(folds - 1)));
  const Value* chosen = tree.find("folds");
  for (std::size_t i = 0; settings.folds && i < settings.folds->size(); ++i)
    if ((*settings.folds)[i] >= folds)
      refuse(chosen->list[i].place,
             "fold " + std::to_string((*settings.folds)[i]) + " of cohort '" + stage.cohort + "', expected " +
                 (folds == 1 ? "0 alone, as its split has no folds" : "0 to " + std::to_string(folds - 1)));
}

/// What can be judged of a stage only with everything merged. Returns the number of folds of its cohort.
int check_stage(const Settings& settings, const StageOptions& stage, const Value& tree, const Entry& variant,
                const Cohorts& cohorts) {
  const std::string where = "stages." + stage.name;
  const auto place = [&](const char* key) -> const Place& { return place_in_stage(tree, stage, key, variant); };
  if (stage.cohort.empty())
    refuse(place("cohort"), "missing key 'cohort' in " + where + ", expected the name of a cohort");
  const data::CohortSpec& cohort = find_cohort(cohorts, stage.cohort, place("cohort"));
  const std::string& test_name = test_cohort(stage);
  const data::CohortSpec& test = find_cohort(cohorts, test_name, place("test"));
  if (!data::has_test_subjects(test.split) || !data::has_manual_labels(test))
    refuse(place("test"), "cohort '" + test_name + "' has no " +
                              (data::has_test_subjects(test.split) ? "manual labels to score" : "test subjects") +
                              ", expected " + where + ".test: another cohort");
  if (!data::has_training_subjects(cohort.split))
    refuse(place("cohort"),
           "cohort '" + stage.cohort + "' has no training and validation subjects, expected train and " +
               "validation in its split, or another cohort for " + where + " and this one as its test");
  if (!stage.test.empty()) {
    const auto own = data::slice_size(cohort), other = data::slice_size(test);
    if (settings.method == "net" && own && other && *own != *other)
      refuse(place("test"), "cohort '" + stage.test + "' has slices of " + size_text(*other) + " pixels, expected " +
                                size_text(*own) + " as in cohort '" + stage.cohort + "', which the net is trained on");
    if (test.split.folds != cohort.split.folds)
      refuse(place("test"), "cohort '" + stage.test + "' has " + std::to_string(test.split.folds) +
                                " folds, expected " + std::to_string(cohort.split.folds) + " as in cohort '" +
                                stage.cohort + "'");
  }
  if (stage.labels == "automatic" && !data::has_automatic_labels(cohort))
    refuse(place("labels"), "cohort '" + stage.cohort + "' has no automatic labels, expected label_bias or " +
                                "automatic_labels in it, or " + where + ".labels: manual");
  if (stage.labels == "manual" && !data::has_manual_labels(cohort))
    refuse(place("labels"), "cohort '" + stage.cohort + "' has no manual labels, expected labels in it, or " + where +
                                ".labels: automatic");
  if (stage.first_scan + std::max(stage.scans, 1) > cohort.scans_per_subject)
    refuse(place(stage.scans > 0 ? "scans" : "first_scan"),
           where + " trains on scans " + std::to_string(stage.first_scan) + " to " +
               std::to_string(stage.first_scan + std::max(stage.scans, 1) - 1) + ", expected 0 to " +
               std::to_string(cohort.scans_per_subject - 1) + " (scans_per_subject of cohort '" + stage.cohort + "')");
  if (settings.method == "net") check_net(settings, stage, cohort, tree, variant);
  const int folds = std::max(1, cohort.split.folds);
  check_folds(settings, stage, folds, tree, variant);
  return folds;
}

/// What a variant says itself must count with its method.
void check_method(const Settings& settings, const Entry& variant) {
  const std::string who = "variant '" + variant.key + "'";
  const bool net = settings.method == "net";
  for (const char* key : {"precision", "model", "optimizer", "loss", "loss_options", "views", "atlas"}) {
    const Value* value = variant.value.find(key);
    if (value != nullptr && net == (std::string(key) == "atlas"))
      refuse(value->place, "key '" + std::string(key) + "' of " + who + " does not count with method: " +
                               settings.method + ", expected " + (net ? "method: atlas beside it" : "no such key"));
  }
  if (net) return;
  if (const Value* stages = variant.value.find("stages"))
    for (const Entry& stage : stages->map)
      for (const Entry& entry : stage.value.map)
        if (std::ranges::find(kStageKeysOfAtlases, entry.key) == kStageKeysOfAtlases.end())
          refuse(entry.place, "key '" + entry.key + "' of stages." + stage.key + " of " + who +
                                  " does not count with method: atlas, as nothing is trained");
  if (settings.stages.size() > 1)
    refuse(variant.place, who + " has " + std::to_string(settings.stages.size()) +
                              " stages, expected one with method: atlas, as nothing is trained");
}

/// What can be judged only with everything merged. Returns the number of folds of the trial's cohorts.
int check_trial(const Settings& settings, const Value& tree, const Entry& variant, const Cohorts& cohorts) {
  const std::string who = "variant '" + variant.key + "'";
  if (settings.stages.empty())
    refuse(variant.place,
           "missing key 'stages' for " + who + ", expected stages: {pretrain: {cohort: NAME}} here or in defaults");
  check_method(settings, variant);
  if (settings.method == "net" && settings.stages.front().loss.empty())
    refuse(variant.place, "missing key 'loss' for " + who + ", expected loss: {TERM: WEIGHT} here or in defaults");
  int folds = 0;
  for (const StageOptions& stage : settings.stages) {
    const int other = check_stage(settings, stage, tree, variant, cohorts);
    if (&stage == &settings.stages.front()) folds = other;
    if (other != folds)
      refuse(place_of(tree, {"stages", stage.name}, variant.place),
             "stages." + stage.name + " of " + who + " has " + std::to_string(other) + " folds, expected " +
                 std::to_string(folds) + " as in stages." + settings.stages.front().name);
  }
  return folds;
}

/// The --set arguments that some value below `tree` comes from.
void collect_overrides(const Value& tree, std::set<std::string>& found) {
  for (const Entry& entry : tree.map) collect_overrides(entry.value, found);
  if (tree.map.empty() && tree.place.line == 0) found.insert(tree.place.source);
}

}  // namespace

std::string size_fault(const model::ModelOptions& model, const std::string& who, const StageOptions& stage,
                       const std::array<int, 2>& sides) {
  const int divisor = 1 << model.depth, least = std::min(sides[0], sides[1]);
  const std::string multiple = std::to_string(divisor),
                    depth = "model.depth " + std::to_string(model.depth) + " of " + who;
  if (sides[0] % divisor != 0 || sides[1] % divisor != 0)
    return "slices of " + size_text(sides) + " pixels of cohort '" + stage.cohort + "' don't suit " + depth +
           ", expected multiples of " + multiple;
  if (stage.crop > least || stage.crop % divisor != 0)
    return "crop " + std::to_string(stage.crop) + " doesn't suit cohort '" + stage.cohort + "' and " + depth +
           ", expected a multiple of " + multiple + " up to " + std::to_string(least);
  return "";
}

std::vector<TrialConfig> expand_trials(const Value& grid, const Cohorts& cohorts, bool all) {
  const Value& variants = *grid.find("variants");
  if (!variants.is_map() || variants.map.empty())
    refuse(variants.place, "expected at least one variant {NAME: {...}} for variants, not " +
                               (variants.is_map() ? "an empty map" : in_words(variants)));
  Value no_defaults;
  no_defaults.kind = Value::Kind::kMap;
  no_defaults.place = grid.place;  // or it would pass for a --set
  const Value& defaults = grid.find("defaults") == nullptr ? no_defaults : *grid.find("defaults");
  read_settings(defaults, "defaults");  // a wrong default is wrong even where every variant overrides it
  const std::vector<Combination> sweep = combinations(grid.find("sweep"));

  std::vector<TrialConfig> trials;
  std::map<std::string, std::string> seen;  // configuration -> variant
  std::set<std::string> effective, given;
  for (const Entry& variant : variants.map) {
    const std::string path = "variants." + variant.key;
    require_row_name(variant.key, variant.place);
    read_settings(variant.value, path);
    for (const Combination& combination : sweep) {
      const Value tree = settings_tree(defaults, variant.value, combination);
      const Settings settings = read_settings(tree, path);
      const int folds = check_trial(settings, tree, variant, cohorts);
      collect_overrides(tree, effective);
      std::vector<int> chosen = settings.folds.value_or(std::vector<int>{});
      for (int fold = 0; !settings.folds && fold < folds; ++fold) chosen.push_back(fold);
      for (const int fold : chosen) {
        const auto own = settings.seeds_of_folds.find(fold);
        for (const std::uint64_t seed : own == settings.seeds_of_folds.end() ? settings.seeds : own->second) {
          const TrialConfig trial{variant.key + combination.suffix,
                                  seed,
                                  fold,
                                  settings.method,
                                  settings.precision,
                                  settings.model,
                                  settings.loss_options,
                                  settings.method == "atlas" ? ViewOptions{} : settings.views,
                                  settings.atlas,
                                  settings.stages};
          const auto [twin, is_new] = seen.emplace(identity_json(trial).dump(), trial.variant);
          if (!is_new)
            refuse(variant.place, "variant '" + trial.variant + "' is the same as '" + twin->second +
                                      "', expected variants that differ in more than their name");
          trials.push_back(trial);
        }
      }
    }
  }

  collect_overrides(defaults, given);
  for (const std::string& argument : given)
    if (all && !effective.contains(argument))
      refuse({argument, 0, 0},
             "reaches no trial, because every variant or the sweep says otherwise, expected variants.NAME.KEY=VALUE");
  return trials;
}

}  // namespace crossfade::runner
