// wce and wce_boundary: cross-entropy with a weight for each pixel, by its class and by whether a boundary runs past
// it.
#include <ATen/Dispatch.h>
#include <torch/types.h>

#include <algorithm>

#include "schedules/term.hpp"

namespace crossfade::schedules {
namespace {

/// Whether one of the 4 neighbours within the image has another label: bool [n, H, W] for labels [n, H, W]. With
/// `ignores` an ignored pixel is no neighbour, and on no boundary.
torch::Tensor on_boundary(const torch::Tensor& labels, bool ignores) {
  torch::Tensor mask = torch::zeros(labels.sizes(), labels.options().dtype(torch::kBool));
  for (const std::int64_t axis : {1, 2}) {
    const std::int64_t pairs = labels.size(axis) - 1;
    const torch::Tensor one = labels.narrow(axis, 0, pairs), other = labels.narrow(axis, 1, pairs);
    torch::Tensor differ = one != other;
    if (ignores) differ.bitwise_and_(one != kIgnored).bitwise_and_(other != kIgnored);
    mask.narrow(axis, 0, pairs).bitwise_or_(differ);
    mask.narrow(axis, 1, pairs).bitwise_or_(differ);
  }
  return mask;
}

/// table[label] of each pixel. Torch takes no index of one byte, and a copy of the labels in eight is slow.
torch::Tensor look_up(const torch::Tensor& table, const torch::Tensor& labels) {
  if (!labels.is_cpu()) return table.gather(0, labels.flatten()).view(labels.sizes());
  torch::Tensor result = torch::empty(labels.sizes(), table.options());
  AT_DISPATCH_FLOATING_TYPES(table.scalar_type(), "look_up", [&] {
    const scalar_t* value = table.const_data_ptr<scalar_t>();
    const std::uint8_t* label = labels.const_data_ptr<std::uint8_t>();
    std::transform(label, label + labels.numel(), result.mutable_data_ptr<scalar_t>(),
                   [&](std::uint8_t id) { return value[id]; });
  });
  return result;
}

/// With a 0 for kIgnored.
std::vector<double> padded(std::vector<double> class_weights) {
  class_weights.resize(kIgnored + 1);
  return class_weights;
}

class CrossEntropy final : public Term {
 public:
  CrossEntropy(const std::vector<double>& class_weights, double boundary_weight, const LossOptions& options)
      : class_weights_(padded(class_weights)),
        boundary_weight_(boundary_weight),
        by_pixels_(options.normalise == "pixels") {}

  torch::Tensor pixel_weights(const torch::Tensor& labels, bool ignores, torch::ScalarType type) const override {
    const torch::Tensor weights = look_up(class_weights_.as(labels.device(), type), labels);
    return boundary_weight_ == 0 ? weights : weights.add_(on_boundary(labels, ignores), boundary_weight_);
  }

  std::int64_t sum_count() const override { return 2; }

  // Σ ω·nll and the divisor.
  torch::Tensor local_sums(const LocalSums& local, const torch::Tensor& own) const override {
    return by_pixels_ ? torch::stack({own[0], local.labelled.sum()}) : own;
  }

  // Where every pixel has weight 0 there is nothing to learn from: 0, not 0/0.
  torch::Tensor value(const torch::Tensor& sums) const override {
    return (sums[0] / sums[1]).masked_fill_(sums[1] == 0, 0);
  }

  torch::Tensor nll_gradient(const torch::Tensor& sums) const override {
    return sums[1].reciprocal().masked_fill_(sums[1] == 0, 0);
  }

 private:
  ConstantTable class_weights_;  // [kIgnored + 1]
  double boundary_weight_;
  bool by_pixels_;
};

/// ω_0 = 2·median(f)/min(f) (Roy et al. 2017): the largest median-frequency weight belongs to the rarest class. A cap
/// of the weights is one of ω_0 as well.
double boundary_weight(const std::vector<double>& class_weights, const LossOptions& options) {
  if (options.boundary_weight > 0) return options.boundary_weight;
  return 2 * *std::max_element(class_weights.begin(), class_weights.end());
}

}  // namespace

extern const TermDefinition kWeightedCrossEntropy, kBoundaryCrossEntropy;

const TermDefinition kWeightedCrossEntropy = {
    "wce", "sum_i w_y nll_i / sum_i w_y",
    [](const std::vector<double>& class_weights, const LossOptions& options) -> std::unique_ptr<Term> {
      return std::make_unique<CrossEntropy>(class_weights, 0, options);
    }};

const TermDefinition kBoundaryCrossEntropy = {
    "wce_boundary", "wce with w_0 more on pixels that have a neighbour of another label; in place of wce",
    [](const std::vector<double>& class_weights, const LossOptions& options) -> std::unique_ptr<Term> {
      return std::make_unique<CrossEntropy>(class_weights, boundary_weight(class_weights, options), options);
    }};

}  // namespace crossfade::schedules
