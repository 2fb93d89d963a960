// The training loss: a sum of terms, each weighted by a curve over training progress. docs/losses.md has the formulas.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "schedules/ignored.hpp"
#include "schedules/schedule.hpp"

namespace crossfade::schedules {

/// Sums a contiguous float64 tensor element by element over the ranks of the group, in place; the tensor lies on the
/// device of the logits. Called once in each forward pass and never in the backward pass, on all ranks alike.
using AllReduce = std::function<void(torch::Tensor&)>;

class Term;

/// The weights of a schedule's terms at some progress, twice: the host sees which are 0, the device calculates.
struct TermWeights {
  std::vector<double> on_host;
  torch::Tensor on_device;  // float64 [terms], on the device of the logits
};

/// What is known of a batch beside its tensors.
struct BatchTraits {
  bool ignores = true;   // whether a label may be kIgnored
  bool dummy = false;    // this rank has no slice: its pixels are absent from all sums, its dL/dz is zeros
  bool consume = false;  // nobody needs the logits after this: on the CPU dL/dz takes their memory if channels-last
};

/// What one evaluation gives, the same on all ranks, on the device of the logits. Terms are in the order of the
/// schedule; one of weight 0 is evaluated as well (its value is logged), and adds nothing to the gradient.
struct LossTensors {
  torch::Tensor total;   // scalar, float32 for logits of bfloat16, else of their dtype; backward() from it, once
  torch::Tensor values;  // float64 [1 + terms]: the total, and each term unweighted
};

/// The same on the host.
struct LossResult {
  torch::Tensor total;        // as in LossTensors
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
  /// unknown term, a curve that check() refuses, no terms, a term named twice, more than 255 classes, or a class weight
  /// that is negative or not finite.
  ScheduledLoss(std::vector<ScheduledTerm> terms, std::vector<double> class_weights, LossOptions options, int ranks,
                AllReduce all_reduce);

  /// `logits` [n, C, H, W] float32, float64 or bfloat16, which is computed in float32 (channels-last is fastest),
  /// `labels` [n, H, W] uint8 or int64 on the same device, classes or kIgnored: what they hold is not looked at. The
  /// host waits for nothing on the device. Safe for |logit| up to 1e4; a logit that is not finite makes every term not
  /// finite. Throws std::invalid_argument for tensors of another shape or dtype.
  LossTensors evaluate(const torch::Tensor& logits, const torch::Tensor& labels, const TermWeights& weights,
                       const BatchTraits& traits) const;

  /// The same with the weights at `progress`, read back from the device. Throws std::invalid_argument also for a label
  /// out of range, naming it.
  LossResult operator()(const torch::Tensor& logits, const torch::Tensor& labels, double progress, bool dummy = false,
                        bool consume = false) const;

  std::vector<double> weights(double progress) const;
  const std::vector<ScheduledTerm>& terms() const { return terms_; }

 private:
  std::vector<ScheduledTerm> terms_;
  std::vector<std::shared_ptr<const Term>> parts_;  // what computes each of terms_
  std::int64_t classes_;
  LossOptions options_;
  int ranks_;
  AllReduce all_reduce_;
};

}  // namespace crossfade::schedules
