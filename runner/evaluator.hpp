// Whole-volume prediction and its counts.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/results.hpp"
#include "data/shard.hpp"
#include "model/network.hpp"
#include "runner/group.hpp"

namespace crossfade::runner {

/// Predicts every slice of scan 0 of each shard, slices shared out among the ranks, `batch` at a time, and counts it
/// against the labels of one kind; counts are
/// summed as integers, so every rank gets the same answer whatever their number. Puts the net in evaluation mode and
/// leaves it there. Collective; what fails on one rank (an unreadable shard) throws std::runtime_error with the same
/// words on all.
std::vector<analysis::SubjectCounts> evaluate(model::Network& network, const std::vector<data::Shard>& shards,
                                              Group& group, int batch,
                                              data::LabelKind labels = data::LabelKind::kManual);

/// HD95, normalised surface Dice and volume difference of scan 0 of each shard against its manual labels, whole volumes
/// shared out among the ranks. Otherwise as evaluate().
std::vector<analysis::SubjectSurfaces> evaluate_surfaces(model::Network& network,
                                                         const std::vector<data::Shard>& shards, Group& group,
                                                         int batch);

/// Adds up `counts` over the ranks of the group, in place. Collective.
void sum_over_group(std::vector<analysis::Counts>& counts, Group& group);

/// Class ids of scan 0 of one shard, [slices, H, W], on this rank alone.
std::vector<std::uint8_t> predict(model::Network& network, const data::Shard& shard, torch::Device device, int batch);

/// What a prediction of class 0 everywhere would count: the score of a trial that never had a checkpoint. From the
/// counts in the shards, without reading pixels.
std::vector<analysis::SubjectCounts> counts_of_background(const std::vector<data::Shard>& shards,
                                                          data::LabelKind labels);
/// The same of surfaces, on manual labels. Throws std::runtime_error for a shard that can't be read.
std::vector<analysis::SubjectSurfaces> surfaces_of_background(const std::vector<data::Shard>& shards);

}  // namespace crossfade::runner
