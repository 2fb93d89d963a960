// Records of the results database as JSON: on their way to rank 0, and in checkpoints.
#pragma once

#include <nlohmann/json.hpp>

#include <array>
#include <utility>
#include <vector>

#include "analysis/results/results.hpp"

namespace crossfade::analysis {

inline constexpr std::array kOverheads = {
    std::pair{"checkpoint", &EpochOverhead::checkpoint}, std::pair{"communication", &EpochOverhead::communication},
    std::pair{"buckets", &EpochOverhead::buckets}, std::pair{"loss_sums", &EpochOverhead::loss_sums},
    std::pair{"norm_sums", &EpochOverhead::norm_sums}};

inline void to_json(nlohmann::json& json, const EpochOverhead& overhead) {
  for (const auto& [name, seconds] : kOverheads) json[name] = overhead.*seconds;
}

/// JSON's text has no NaN: it is null there.
inline void from_json(const nlohmann::json& json, EpochOverhead& overhead) {
  for (const auto& [name, seconds] : kOverheads) {
    const nlohmann::json& value = json.at(name);
    overhead.*seconds = value.is_null() ? EpochOverhead::kUnknown : value.get<double>();
  }
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Counts, true_positive, false_positive, false_negative)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SubjectCounts, subject, counts)

inline void to_json(nlohmann::json& json, const ValidationDice& dice) {
  json = {{"mean", dice.mean}, {"pooled", dice.pooled}};
}

/// Or the subjects, which earlier programs kept.
inline void from_json(const nlohmann::json& json, ValidationDice& dice) {
  if (json.is_array()) {
    dice = validation_dice(json.get<std::vector<SubjectCounts>>());
    return;
  }
  dice = {};
  if (!json.at("mean").is_null()) json.at("mean").get_to(dice.mean);
  json.at("pooled").get_to(dice.pooled);
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TermValue, term, value, weight)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochRecord, stage, epoch, step, loss, terms, learning_rate, gradient_norm,
                                   validation, seconds_train, seconds_validate, seconds_data, overhead, seconds_shared,
                                   images, again)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SurfaceScores, hd95_mm, nsd, volume_difference)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SubjectSurfaces, subject, scores)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(StageResult, stage, best_epoch, best_dice, stopped, validation, test, surfaces,
                                   seconds, seconds_score)

}  // namespace crossfade::analysis
