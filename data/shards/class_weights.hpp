// Class weights against imbalance.
#pragma once

#include <span>
#include <vector>

#include "data/shards/shard.hpp"

namespace crossfade::data {

/// Median frequency balancing (Eigen & Fergus 2015): w_c = median(f) / f_c with f_c = pixels of c / judged pixels of
/// the slices where c occurs, over all slices of `scans`. Class 0 counts in the median. A class that never occurs
/// doesn't, and has weight 0. The median of an even count is the mean of the middle two. Weights above `cap` become
/// `cap`; 0 means no cap. One weight a class.
std::vector<double> median_frequency_weights(std::span<const ClassCounts> scans, int classes, double cap);

/// The counts of the scans in `range` of each of `shards`.
std::vector<ClassCounts> counts_of_scans(std::span<const Shard> shards, LabelKind kind = LabelKind::kManual,
                                         ScanRange range = {});

/// The weights over those scans; `shards` are siblings, at least one.
std::vector<double> median_frequency_weights(std::span<const Shard> shards, double cap,
                                             LabelKind kind = LabelKind::kManual, ScanRange range = {});

}  // namespace crossfade::data
