// wdice and dice: one minus the (weighted) mean over classes of the soft Dice overlap.
#include <torch/types.h>

#include "schedules/term.hpp"

namespace crossfade::schedules {
namespace {

// Sums by class over the pixels that one Dice is taken of, [Dices, classes]: one of the global batch, or one an image.
struct ClassSums {
  torch::Tensor overlap, mass, labelled;
};

class Dice final : public Term {
 public:
  Dice(const std::vector<double>& weights, const LossOptions& options)
      : classes_(static_cast<std::int64_t>(weights.size())),
        weights_(counted(weights, options)),
        options_(options),
        drop_absent_(options.absent == "drop") {}

  // Over the batch: overlap, mass and labelled of each class. Per image: the sum of the images' losses, and their
  // number.
  std::int64_t sum_count() const override { return options_.batch ? 3 * classes_ : 2; }

  torch::Tensor local_sums(const LocalSums& local, const torch::Tensor& /*own*/) const override {
    if (options_.batch) return add_up(torch::stack({local.overlap, local.mass, local.labelled}), 1).flatten();
    const torch::Tensor losses = loss(of_images(local));
    return torch::stack({add_up(losses, 0), torch::full({}, losses.size(0), losses.options())});
  }

  torch::Tensor value(const torch::Tensor& sums) const override {
    if (options_.batch) return loss(of_batch(sums))[0];
    return (sums[0] / sums[1]).masked_fill_(sums[1] == 0, 0);
  }

  void add_overlap_gradient(const torch::Tensor& factor, const torch::Tensor& sums, const LocalSums& local,
                            const torch::Tensor& gradient) const override {
    if (options_.batch) {
      add_gradient(of_batch(sums), factor, gradient);
    } else {
      add_gradient(of_images(local), factor / sums[1], gradient);
    }
  }

 private:
  static std::vector<double> counted(std::vector<double> weights, const LossOptions& options) {
    if (!options.background) weights[0] = 0;  // out of both sums
    return weights;
  }

  ClassSums of_batch(const torch::Tensor& sums) const {
    const torch::Tensor rows = sums.view({3, 1, classes_});
    return {rows[0], rows[1], rows[2]};
  }

  static ClassSums of_images(const LocalSums& local) { return {local.overlap, local.mass, local.labelled}; }

  // w_c of each Dice, [Dices or 1, classes].
  torch::Tensor weights(const ClassSums& sums) const {
    const torch::Tensor weights = weights_.as(sums.overlap.device(), torch::kFloat64).unsqueeze(0);
    return drop_absent_ ? weights.masked_fill(sums.labelled == 0, 0) : weights;
  }

  torch::Tensor numerator(const ClassSums& sums) const { return sums.overlap * 2 + options_.epsilon; }
  torch::Tensor denominator(const ClassSums& sums) const { return sums.mass + sums.labelled + options_.epsilon; }

  // 1 − Σ_c w_c·(2·overlap_c + ε) / (mass_c + labelled_c + ε) / Σ_c w_c of each Dice; 0 where no class has a weight.
  torch::Tensor loss(const ClassSums& sums) const {
    const torch::Tensor w = weights(sums), total = add_up(w, 1);
    const torch::Tensor mean = add_up(w / total.unsqueeze(1) * numerator(sums) / denominator(sums), 1);
    return (1 - mean).masked_fill_(total == 0, 0);
  }

  void add_gradient(const ClassSums& sums, const torch::Tensor& factor, const torch::Tensor& gradient) const {
    const torch::Tensor w = weights(sums), total = add_up(w, 1).unsqueeze(1), under = denominator(sums);
    const torch::Tensor share = (factor * w / total / under).masked_fill_(total == 0, 0);
    gradient.select(1, OverlapRow::label).sub_(share * 2);
    const bool squared = options_.squared_denominator;  // d(p²)/dp = 2p
    const torch::Tensor of_mass = (squared ? share * 2 : share) * numerator(sums) / under;
    gradient.select(1, squared ? OverlapRow::slope : OverlapRow::constant).add_(of_mass);
  }

  std::int64_t classes_;
  ConstantTable weights_;  // [classes]
  LossOptions options_;
  bool drop_absent_;
};

}  // namespace

extern const TermDefinition kWeightedDice, kDice;

const TermDefinition kWeightedDice = {
    "wdice", "1 - sum_c w_c (2 sum_i p g + eps) / (sum_i p + sum_i g + eps) / sum_c w_c",
    [](const std::vector<double>& class_weights, const LossOptions& options) -> std::unique_ptr<Term> {
      return std::make_unique<Dice>(class_weights, options);
    }};

const TermDefinition kDice = {
    "dice", "wdice with all w_c = 1",
    [](const std::vector<double>& class_weights, const LossOptions& options) -> std::unique_ptr<Term> {
      return std::make_unique<Dice>(std::vector<double>(class_weights.size(), 1.0), options);
    }};

}  // namespace crossfade::schedules
