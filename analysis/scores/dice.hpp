// Hard Dice from integer counts: the figure in every table.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "data/labels/structures.hpp"

namespace crossfade::analysis {

/// Voxels per class of a prediction against the truth. Sums of counts over slices, ranks or subjects are counts again.
struct Counts {
  std::array<std::int64_t, data::kClasses> true_positive{};
  std::array<std::int64_t, data::kClasses> false_positive{};
  std::array<std::int64_t, data::kClasses> false_negative{};

  Counts& operator+=(const Counts& other);
  bool operator==(const Counts&) const = default;
};

/// Counts of two equally long runs of class ids. Throws std::invalid_argument for unequal lengths or an id out of
/// range.
Counts count(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> prediction);

/// 2 TP / (2 TP + FP + FN) per class, in [0, 1]; not a number where truth and prediction are both empty.
std::array<double, data::kClasses> dice(const Counts& counts);

/// Mean over the structures (class 0 excluded) whose Dice is a number, and how many were left out; 0 if all were.
struct MeanDice {
  double mean = 0;
  int left_out = 0;
};
MeanDice mean_dice(const Counts& counts);

/// One subject's counts over its whole volume.
struct SubjectCounts {
  std::string subject;
  Counts counts;
};

/// Mean of the subjects' `mean_dice`, the one figure of an epoch and of a best checkpoint. A subject without a single
/// Dice (no structure in truth or prediction) is left out; not a number if all are, or if there is none.
double mean_over_subjects(std::span<const SubjectCounts> subjects);

/// Sum of all subjects' counts: what pooled Dice is made from.
Counts pooled(std::span<const SubjectCounts> subjects);

}  // namespace crossfade::analysis
