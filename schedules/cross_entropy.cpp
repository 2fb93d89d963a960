// wce: cross-entropy with a weight for each class.
#include <array>

#include "schedules/term.hpp"

namespace crossfade::schedules {
namespace {

class WeightedCrossEntropy final : public Term {
 public:
  WeightedCrossEntropy(const std::vector<double>& class_weights, const LossOptions& options)
      : class_weights_(torch::tensor(class_weights, torch::kFloat64)), by_pixels_(options.normalise == "pixels") {}

  torch::Tensor pixel_weights(const torch::Tensor& labels) const override {
    return class_weights_.to(labels.device()).index_select(0, labels.flatten()).view(labels.sizes());
  }

  std::size_t sum_count() const override { return 2; }

  // Σ ω·nll and the divisor.
  void write_sums(const LocalSums& local, const WeightedNll& own, std::span<double> sums) const override {
    sums[0] = own.nll;
    sums[1] = by_pixels_ ? static_cast<double>(local.pixels) : own.weight;
  }

  // Where every pixel has weight 0 there is nothing to learn from: 0, not 0/0.
  double value(std::span<const double> sums) const override { return sums[1] == 0 ? 0 : sums[0] / sums[1]; }

  double nll_gradient(std::span<const double> sums) const override { return sums[1] == 0 ? 0 : 1 / sums[1]; }

 private:
  torch::Tensor class_weights_;
  bool by_pixels_;
};

}  // namespace

extern const TermDefinition kWeightedCrossEntropy;
const TermDefinition kWeightedCrossEntropy = {
    "wce", "sum_i w_y nll_i / sum_i w_y",
    [](const std::vector<double>& class_weights, const LossOptions& options) -> std::unique_ptr<Term> {
      return std::make_unique<WeightedCrossEntropy>(class_weights, options);
    }};

}  // namespace crossfade::schedules
