// Distances between the surfaces of structures in mm, and differences of their volumes.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "data/labels/classes.hpp"

namespace crossfade::analysis {

/// Distance up to which two surfaces count as one in the normalised surface Dice of all tables.
inline constexpr double kSurfaceToleranceMm = 1;

/// Class ids of one whole volume, i fastest: (i, j, k) lies at i + size[0] * (j + size[1] * k). The voxels stay the
/// caller's.
struct LabelPair {
  std::span<const std::uint8_t> truth, prediction;
  std::array<int, 3> size{};
  std::array<double, 3> spacing_mm{1, 1, 1};
};

/// Scores of one structure. Its boundary is every voxel of it with at least one of the 6 neighbours outside the
/// structure or outside the volume, as in MONAI's get_mask_edges; where one axis has size 1, a picture, of the 4 in the
/// plane, as there of 2-D images. D holds, for each boundary voxel of the prediction, the distance of its centre to that
/// of the nearest boundary voxel of the truth, and D' the same from truth to prediction.
///
/// truth and prediction | hd95_mm                    | nsd          | volume_difference
/// both empty           | not a number               | not a number | not a number
/// truth empty          | diagonal of the volume     | 0            | not a number
/// prediction empty     | diagonal of the volume     | 0            | -1
///
/// The diagonal is that of the box that the voxels fill: the length of size * spacing_mm.
struct SurfaceScores {
  /// max(P95(D), P95(D')) in mm, where P95 is the 95th percentile with linear interpolation between order statistics
  /// (torch.quantile): MONAI's compute_hausdorff_distance(percentile=95).
  double hd95_mm = std::numeric_limits<double>::quiet_NaN();
  /// Normalised surface Dice, in [0, 1]: the share of distances in D and D' together that are at most the tolerance
  /// (Seidlitz et al. 2022, arXiv 2111.05408): MONAI's compute_surface_dice(use_subvoxels=False).
  double nsd = std::numeric_limits<double>::quiet_NaN();
  /// Signed and relative: (V_prediction - V_truth) / V_truth, at least -1.
  double volume_difference = std::numeric_limits<double>::quiet_NaN();
};

/// Scores by class id, `classes` of them; entry 0, which is no structure, is not a number. Where the truth is
/// data::kIgnored both volumes count as class 0, in volume differences, too. A distance that is above the tolerance by
/// no more than a millionth of it counts as equal: that is rounding. Time is linear in the voxels of the box around
/// each structure. Throws std::invalid_argument where truth or prediction doesn't fill `size`, for less than 2 classes
/// or more than data::kMostClasses, a class id that is not below `classes`, a spacing that is not above 0, a tolerance
/// below 0, or either not finite.
std::vector<SurfaceScores> surface_scores(const LabelPair& pair, int classes, double tolerance_mm);

}  // namespace crossfade::analysis
