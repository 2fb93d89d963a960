// Records of the results database as JSON: on their way to rank 0, and in checkpoints.
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/results/results.hpp"

namespace crossfade::analysis {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Counts, true_positive, false_positive, false_negative)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SubjectCounts, subject, counts)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TermValue, term, value, weight)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochRecord, stage, epoch, step, loss, terms, learning_rate, gradient_norm,
                                   validation, seconds_train, seconds_validate, seconds_data, images, again)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SurfaceScores, hd95_mm, nsd, volume_difference)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SubjectSurfaces, subject, scores)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(StageResult, stage, best_epoch, best_dice, stopped, validation, test, surfaces,
                                   seconds)

}  // namespace crossfade::analysis
