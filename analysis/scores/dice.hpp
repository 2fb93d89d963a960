// Hard Dice from integer counts: the figure in every table.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "data/labels/classes.hpp"

namespace crossfade::analysis {

/// Voxels per class of a prediction against the truth. Sums of counts over slices, ranks or subjects are counts again.
struct Counts {
  std::vector<std::int64_t> true_positive, false_positive, false_negative;  // equally long; empty: of nothing yet

  Counts() = default;
  /// Zeros. Throws std::invalid_argument for less than 2 classes or more than data::kMostClasses.
  explicit Counts(int classes);

  int classes() const { return static_cast<int>(true_positive.size()); }
  /// Empty counts take the size of the others. Throws std::invalid_argument for unlike numbers of classes.
  Counts& operator+=(const Counts& other);
  bool operator==(const Counts&) const = default;
};

/// Counts of two equally long runs of class ids. Voxels whose truth is data::kIgnored are in none. Throws
/// std::invalid_argument for unequal lengths, an id that is not below `classes`, or as Counts(classes).
Counts count(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> prediction, int classes);

/// 2 TP / (2 TP + FP + FN) per class, in [0, 1]; not a number where truth and prediction are both empty.
std::vector<double> dice(const Counts& counts);

/// Mean over the structures (class 0 excluded) whose Dice is a number, how many these are, and how many were left out;
/// 0 if all were.
struct MeanDice {
  double mean = 0;
  int structures = 0;
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

/// The places of the worst, the median (of an even number the lower one) and the best by their `mean_dice`, each once;
/// subjects without a single Dice are left out.
std::vector<std::size_t> worst_median_best(std::span<const SubjectCounts> subjects);

/// Sum of all subjects' counts: what pooled Dice is made from. Throws as Counts::operator+=.
Counts pooled(std::span<const SubjectCounts> subjects);

/// What is kept of the validation after an epoch, whose subjects may be many.
struct ValidationDice {
  double mean = std::numeric_limits<double>::quiet_NaN();  // mean_over_subjects()
  Counts pooled{};                                         // pooled(); empty: of nobody
};
ValidationDice validation_dice(std::span<const SubjectCounts> subjects);

}  // namespace crossfade::analysis
