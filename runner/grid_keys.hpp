// The keys of a grid that are no options of a struct, for the reference and for the short paths of --set.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace crossfade::runner {

struct GridKey {
  const char* key;
  const char* takes;
  const char* otherwise;
  const char* help;
};

inline constexpr std::array kRootKeys = {
    GridKey{"study", "name", "required", "name of the study and of its results: letters, digits, '-', '_' and '.'"},
    GridKey{"caption", "text", "", "printed under tables and figures"},
    GridKey{"cohorts", "map of cohorts", "required", "the subjects, by a name of your choice"},
    GridKey{"defaults", "map", "", "what holds for every variant that does not say otherwise"},
    GridKey{"variants", "map of variants", "required", "the rows of the table, by the name that is printed"},
    GridKey{"sweep", "map of lists", "", "PATH: [VALUES] below; every variant times every combination"},
    GridKey{"run", "map", "", "how trials are run; changes no result beyond the order of floating-point sums"},
};

inline constexpr std::array kSettingsKeys = {
    GridKey{"seeds", "list of integers", "[1]", "one trial a seed"},
    GridKey{"folds", "list of integers", "all", "which folds of the cohort to run, counted from 0"},
    GridKey{"model", "map", "", "the net"},
    GridKey{"optimizer", "map", "", "optimiser and learning rate"},
    GridKey{"loss", "map of terms", "required",
            "weight of each term over training progress; a variant's replaces the default whole"},
    GridKey{"loss_options", "map", "", "conventions of the formulas"},
    GridKey{"stages", "map of stages", "required",
            "what the net trains on, by stage name (pretrain or finetune); one so far"},
};

template <std::size_t N>
std::vector<std::string> names_of(const std::array<GridKey, N>& keys) {
  std::vector<std::string> names;
  for (const GridKey& key : keys) names.emplace_back(key.key);
  return names;
}

}  // namespace crossfade::runner
