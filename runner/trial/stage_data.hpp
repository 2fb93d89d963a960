// The data of a stage, and what it comes to without a net.
#pragma once

#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "data/shards/loader.hpp"
#include "data/shards/shard.hpp"
#include "runner/grid/config.hpp"
#include "runner/ranks/group.hpp"

namespace crossfade::runner {

/// The shards of a stage's parts, opened by each rank for itself.
struct StageData {
  std::vector<data::Shard> train, validation, test;
};

/// The labels that training and validation see.
data::LabelKind label_kind(const StageOptions& stage);

/// Of this rank's batches; `stage`: its place in the trial.
data::LoaderOptions loader_options(const TrialConfig& trial, int stage, const Group& group);

/// Refuses what a step would stumble over later, with the other ranks in a collective: a part without subjects or
/// labels, other classes or channels than those of `of_trial`, the first stage's data, for which the net was made, and
/// slices that the net's `divisor` doesn't divide. Throws std::runtime_error naming the stage and the shard.
void check_data(const StageOptions& stage, const StageData& data, const StageData& of_trial, int divisor);

/// The result of a stage that has no checkpoint, and why: the scores of a prediction of class 0 everywhere. `position`
/// is the stage's own in events. Collective.
analysis::StageResult background_result(int position, const std::string& stopped, const StageData& data,
                                        const StageOptions& stage, Group& group);

}  // namespace crossfade::runner
