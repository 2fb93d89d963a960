// The training loss: a sum of terms, each weighted by a curve over training progress. docs/losses.md has the formulas.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schedules/curve.hpp"

namespace crossfade::schedules {

/// Sums a contiguous float64 tensor element by element over the ranks of the group, in place; the tensor lies on the
/// device of the logits, and on the CPU for one rank. Called once in each forward pass and never in the backward pass,
/// on all ranks alike.
using AllReduce = std::function<void(torch::Tensor&)>;

class Term;

/// One term and its weight over progress. Terms: see term_names().
struct ScheduledTerm {
  std::string term;
  Curve curve;
};

/// Every term with its formula in one line (wce, wdice, dice, ...).
const std::vector<std::pair<std::string, std::string>>& term_names();

/// Conventions of the formulas; docs/losses.md says what QuickNAT, FastSurfer, MONAI and nnU-Net choose.
struct LossOptions {
  double epsilon = 1e-5;              // in numerator and denominator of Dice
  bool background = true;             // class 0 counts in Dice
  bool batch = true;                  // Dice from the sums of the global batch; false: per image, then the mean
  bool squared_denominator = false;   // p^2 + g^2 in place of p + g
  std::string absent = "keep";        // classes absent from the batch's labels: keep, or drop from both sums of Dice
  std::string normalise = "weights";  // wce over the sum of weights, or over the number of pixels (as QuickNAT)
  double weight_cap = 0;              // largest median-frequency class weight; 0: none
  double boundary_weight =
      0;  // w_0 of wce_boundary; 0: twice the largest class weight: 2 median(f) / min(f), or twice the cap
};

template <class Visitor>
void describe(Visitor& visit, LossOptions& o) {
  visit.number("epsilon", o.epsilon, 1e-12, 1, "smoothing in numerator and denominator of Dice");
  visit.flag("background", o.background, "class 0 counts in Dice");
  visit.flag("batch", o.batch, "Dice from the sums of the whole global batch; false: per image, then the mean");
  visit.flag("squared_denominator", o.squared_denominator, "squares in the denominator of Dice");
  visit.choice("absent", o.absent, {"keep", "drop"},
               "classes that no label of the batch has: keep or drop them in Dice");
  visit.choice("normalise", o.normalise, {"weights", "pixels"},
               "divide cross-entropy by the sum of weights or by the number of pixels");
  visit.number("weight_cap", o.weight_cap, 0, 1e9, "largest class weight; 0: no cap");
  visit.number(
      "boundary_weight", o.boundary_weight, 0, 1e9,
      "w_0 of wce_boundary; 0: twice the largest class weight, which is 2 median(f) / min(f) where it is not capped");
}

/// What one evaluation gives, the same on all ranks. `terms` and `weights` are in the order of the schedule; a term of
/// weight 0 is evaluated as well (its value is logged), and adds nothing to the gradient.
struct LossResult {
  torch::Tensor total;        // scalar of the logits' dtype; backward() from it, once
  double value = 0;           // total as float64
  std::vector<double> terms;  // unweighted
  std::vector<double> weights;
};

/// The loss of a trial's stage. Deterministic; not thread-safe. The forward pass all-reduces the local sums in float64;
/// the backward pass communicates nothing: dL/dz is exact for this rank's own pixels and multiplied by `ranks`, because
/// the Reducer takes the mean over ranks.
class ScheduledLoss {
 public:
  /// `class_weights` has one weight a class (median-frequency, already capped). Throws std::invalid_argument for an
  /// unknown term, a curve that check() refuses, no terms, a term named twice, or a class weight that is negative or
  /// not finite.
  ScheduledLoss(std::vector<ScheduledTerm> terms, std::vector<double> class_weights, LossOptions options, int ranks,
                AllReduce all_reduce);

  /// `logits` [n, C, H, W] float32 or float64 (channels-last is fastest), `labels` [n, H, W] uint8 or int64 on the same
  /// device. With `dummy` this rank has no slice: its pixels are absent from all sums and its dL/dz is a tensor of
  /// zeros. Safe for |logit| up to 1e4; a logit that is not finite makes every term not finite. Throws
  /// std::invalid_argument for tensors of another shape or dtype, and for a label out of range, naming it.
  LossResult operator()(const torch::Tensor& logits, const torch::Tensor& labels, double progress,
                        bool dummy = false) const;

  const std::vector<ScheduledTerm>& terms() const { return terms_; }

 private:
  std::vector<ScheduledTerm> terms_;
  std::vector<std::shared_ptr<const Term>> parts_;  // what computes each of terms_
  std::int64_t classes_;
  LossOptions options_;
  int ranks_;
  AllReduce all_reduce_;
};

/// The terms that have a weight at the end of training, with that weight for good: what a following stage trains with.
std::vector<ScheduledTerm> ended(const std::vector<ScheduledTerm>& terms);

/// Progress from which on no term's weight changes any more; 0 where none ever does.
double last_change(const std::vector<ScheduledTerm>& terms);

/// Progress values at which any term's weight begins or ends to change, rising, without repeats.
std::vector<double> switch_points(const std::vector<ScheduledTerm>& terms);

}  // namespace crossfade::schedules
