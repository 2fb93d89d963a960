// The keys of a grid that are no options of a struct, for the reference and for the short paths of --set.
#pragma once

#include <array>
#include <string>
#include <string_view>
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
    GridKey{"search", "map", "", "a space of schedules in which the study looks for the best, a row of its own"},
    GridKey{"claims", "map of claims", "",
            "which variant is to be better than which; `runner report claims` tests them"},
    GridKey{"run", "map", "", "how trials are run; changes no result beyond the order of floating-point sums"},
};

inline constexpr std::array kSettingsKeys = {
    GridKey{"seeds", "list of integers", "[1]", "one trial a seed"},
    GridKey{"folds", "list of integers", "all", "which folds of the cohort to run, counted from 0"},
    GridKey{"seeds_of_folds", "map of lists", "", "FOLD: [SEEDS], in place of `seeds` in that fold"},
    GridKey{"method", "net or atlas", "net",
            "atlas: no net; the training subjects, each at its `first_scan`, are registered to the test subject"},
    GridKey{"atlas", "map", "", "registration and label fusion (method: atlas)"},
    GridKey{"precision", "fp32 or bf16", "fp32",
            "bf16: convolutions and what passes between them in bfloat16; weights, loss, statistics and optimiser stay "
            "float32. On processors with AVX512-BF16, some of which are slower in it, and on GPUs"},
    GridKey{"model", "map", "", "the net"},
    GridKey{"optimizer", "map", "", "optimiser and learning rate"},
    GridKey{"loss", "map of terms", "required of nets",
            "weight of each term over training progress; a variant's replaces the default whole"},
    GridKey{"loss_options", "map", "", "conventions of the formulas"},
    GridKey{"views", "map", "", "which nets of other planes vote with the axial one, and their weights"},
    GridKey{"stages", "map of stages", "required",
            "what is learnt from, one after the other, by stage name: pretrain, then finetune"},
};

/// Keys of a stage beside those of StageOptions.
inline constexpr std::array kStageKeys = {
    GridKey{"optimizer", "map", "", "what differs from the trial's optimizer"},
    GridKey{"loss", "map of terms", "",
            "default: the trial's in the first stage, then what the loss of the stage before ended with"},
};

/// Keys of `search` beside those of SearchOptions.
inline constexpr std::array kSearchKeys = {
    GridKey{"space", "map of ranges or lists", "required",
            "NAME: {from: A, to: B} or NAME: [VALUES], for each value that is looked for"},
    GridKey{
        "settings", "map", "required",
        "a variant's settings with $NAME where a value of the space goes: as a value, or as the PROGRESS of a curve"},
    GridKey{"constraints", "list of texts", "[]", "which value is smaller: first < second, or <="},
    GridKey{"seeds", "list of integers", "required",
            "each candidate is trained with these; other ones than those of `defaults`, with which finalists and "
            "variants are compared"},
};

/// Of StageOptions, those that count with method: atlas.
inline constexpr std::array<std::string_view, 5> kStageKeysOfAtlases = {"cohort", "test", "labels", "train_subjects",
                                                                        "first_scan"};

template <std::size_t N>
std::vector<std::string> names_of(const std::array<GridKey, N>& keys) {
  std::vector<std::string> names;
  for (const GridKey& key : keys) names.emplace_back(key.key);
  return names;
}

}  // namespace crossfade::runner
