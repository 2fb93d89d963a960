// Whole-volume prediction and its scores.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "data/shards/shard.hpp"
#include "model/network.hpp"
#include "runner/evaluation/slice_source.hpp"
#include "runner/grid/config.hpp"
#include "runner/ranks/group.hpp"

namespace crossfade::runner {

/// Slices [first, first + count) of scan 0, standardised as the loader does, `batch` at a time: calls `use` with the
/// first slice of each batch and the net's logits [n, classes, H, W], on `device`. Puts the net in evaluation mode and
/// leaves it there. Throws std::runtime_error for a shard that can't be read.
void predict_slices(model::Network& network, const SliceSource& source, int first, int count, torch::Device device,
                    int batch, const std::function<void(int, const torch::Tensor&)>& use);

/// Class ids of scan 0, [slices, H, W], on this rank alone; in sagittal slices with left and right merged,
/// as in their labels.
std::vector<std::uint8_t> predict(model::Network& network, const SliceSource& source, torch::Device device, int batch);

/// Whether to leave out the rest, asked on each rank before each volume. Once it has said yes on one, what is returned
/// counts for nothing, and the ranks have to agree about that.
using StopEarly = std::function<bool()>;

/// Dice counts of scan 0 of each shard against the labels of one kind. Slices are shared out among the ranks and counts
/// summed as integers, so every rank gets the same answer whatever their number. Collective; what fails on one rank (an
/// unreadable shard) throws std::runtime_error with the same words on all.
std::vector<analysis::SubjectCounts> evaluate(model::Network& network, const std::vector<data::Shard>& shards,
                                              Group& group, int batch,
                                              data::LabelKind labels = data::LabelKind::kManual,
                                              const StopEarly& stop = {});

/// Says class ids of scan 0 of the shard of this index, [slices, H, W].
using PredictVolume = std::function<std::vector<std::uint8_t>(std::size_t)>;

/// Class 0 everywhere: the prediction of a trial that never had a checkpoint. `shards` must outlive it.
PredictVolume background(const std::vector<data::Shard>& shards);

/// Which of `count` volumes fall to this rank where whole volumes are shared out among the ranks.
std::vector<std::size_t> own_volumes(std::size_t count, const Group& group);

struct VolumeScores {
  std::vector<analysis::SubjectCounts> counts;
  std::vector<analysis::SubjectSurfaces> surfaces;
  std::vector<double> seconds;  // that `predict_volume` took of each shard, on the rank that it fell to
};

/// Dice counts, HD95, normalised surface Dice and volume difference of what `predict_volume` says of each shard,
/// against manual labels, whole volumes shared out among the ranks. Otherwise as evaluate().
VolumeScores score_volumes(const std::vector<data::Shard>& shards, Group& group, const PredictVolume& predict_volume,
                           const StopEarly& stop = {});

/// As the test part of a stage's result.
void set_test_scores(VolumeScores scores, analysis::StageResult& result);

/// The counts alone, against the labels of one kind.
std::vector<analysis::SubjectCounts> count_volumes(const std::vector<data::Shard>& shards, Group& group,
                                                   data::LabelKind labels, const PredictVolume& predict_volume,
                                                   const StopEarly& stop = {});

/// What `count_volume` counts of the shard of this index, where that is not against the shard's own labels.
std::vector<analysis::SubjectCounts> count_volumes(const std::vector<data::Shard>& shards, Group& group,
                                                   const std::function<analysis::Counts(std::size_t)>& count_volume,
                                                   const StopEarly& stop = {});

/// Slices that this rank predicts at a time.
int evaluation_batch(const StageOptions& stage, const Group& group);

}  // namespace crossfade::runner
