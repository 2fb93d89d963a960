// What a loss term is: a few sums over pixels, a value made from their global totals, and a gradient in a common form,
// so that one pass over the pixels serves the sums of all terms and another their gradient.
//
// To add a term: a source file with a class that derives from Term and a TermDefinition, a test, and its line in
// term.cpp.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schedules/scheduled_loss.hpp"

namespace crossfade::schedules {

/// Sums over this rank's own pixels, float64 on the logits' device. A rank without a slice has none.
struct LocalSums {
  torch::Tensor overlap;     // [images, classes] Σ p·g
  torch::Tensor mass;        // [images, classes] Σ p, or Σ p² (LossOptions::squared_denominator)
  torch::Tensor labelled;    // [images, classes] Σ g
  torch::Tensor weighted;    // [maps, 2] Σ ω·nll and Σ ω of each tensor of pixel weights, in the order given
  torch::Tensor not_finite;  // [] NaN if any logit is not finite, else 0
};

/// Rows of a table [images, 3, classes]: dL/dp_c of an image's pixels is label_c·g_c + constant_c + slope_c·p_c.
struct OverlapRow {
  enum : std::int64_t { label, constant, slope };
};

/// Float64 numbers that never change, and a copy of them where and as they were asked for last: a copy each step would
/// make the host wait for the device. Not thread-safe.
class ConstantTable {
 public:
  explicit ConstantTable(const std::vector<double>& values) : values_(torch::tensor(values, torch::kFloat64)) {}
  const torch::Tensor& as(torch::Device device, torch::ScalarType type) const;

 private:
  torch::Tensor values_;
  mutable torch::Tensor copy_;
};

/// Σ over one dimension, of at least one element, in an order that depends on nothing else; on the CPU one after the
/// other, whatever the machine's vectors.
torch::Tensor add_up(const torch::Tensor& values, std::int64_t dimension);

/// All tensors but labels and pixel weights are float64 on the logits' device, and nothing is read back from it.
class Term {
 public:
  virtual ~Term() = default;

  /// Terms of cross-entropy: ω [n, H, W] of `type` for labels [n, H, W], uint8 on the CPU and int64 elsewhere, on their
  /// device; 0 where ignored, which `ignores` says there may be. Others: an undefined tensor.
  virtual torch::Tensor pixel_weights(const torch::Tensor& /*labels*/, bool /*ignores*/,
                                      torch::ScalarType /*type*/) const {
    return {};
  }

  /// How many numbers the term has in the all-reduced vector; `sums` below are that long.
  virtual std::int64_t sum_count() const = 0;
  /// This rank's part. `own` [2] belongs to the term's pixel weights; undefined where it has none.
  virtual torch::Tensor local_sums(const LocalSums& local, const torch::Tensor& own) const = 0;

  /// The term's value [], from the global sums; finite for finite logits.
  virtual torch::Tensor value(const torch::Tensor& sums) const = 0;
  /// dL/d(ω_i·nll_i) [], the same for all pixels; undefined for terms without pixel weights.
  virtual torch::Tensor nll_gradient(const torch::Tensor& /*sums*/) const { return {}; }
  /// Adds factor·dL/dp for this rank's images to `gradient` [images, 3, classes], whose rows are OverlapRow. `factor`
  /// is a scalar.
  virtual void add_overlap_gradient(const torch::Tensor& /*factor*/, const torch::Tensor& /*sums*/,
                                    const LocalSums& /*local*/, const torch::Tensor& /*gradient*/) const {}
};

struct TermDefinition {
  const char* name;
  const char* formula;
  std::unique_ptr<Term> (*make)(const std::vector<double>& class_weights, const LossOptions& options);
};

/// Throws std::invalid_argument that lists the known names.
const TermDefinition& find_term(const std::string& name);

}  // namespace crossfade::schedules
