// wdice and dice: one minus the (weighted) mean over classes of the soft Dice overlap.
#include <algorithm>

#include "schedules/term.hpp"

namespace crossfade::schedules {
namespace {

// Sums by class over the pixels that one Dice is taken of: the global batch, or one image.
struct ClassSums {
  std::span<const double> overlap, mass, labelled;
};

class Dice final : public Term {
 public:
  Dice(std::vector<double> weights, const LossOptions& options)
      : weights_(std::move(weights)), options_(options), drop_absent_(options.absent == "drop") {
    if (!options.background) weights_[0] = 0;  // out of both sums
  }

  // Over the batch: overlap, mass and labelled of each class. Per image: the sum of the images' losses, and their
  // number.
  std::size_t sum_count() const override { return options_.batch ? 3 * weights_.size() : 2; }

  void write_sums(const LocalSums& local, const WeightedNll& /*own*/, std::span<double> sums) const override {
    for (std::int64_t image = 0; image < local.images; ++image) {
      const ClassSums one = of_image(local, image);
      if (!options_.batch) {
        sums[0] += loss(one);
        sums[1] += 1;
        continue;
      }
      const std::size_t classes = weights_.size();
      for (std::size_t c = 0; c < classes; ++c) {
        sums[c] += one.overlap[c];
        sums[classes + c] += one.mass[c];
        sums[2 * classes + c] += one.labelled[c];
      }
    }
  }

  double value(std::span<const double> sums) const override {
    if (options_.batch) return loss(of_batch(sums));
    return sums[1] == 0 ? 0 : sums[0] / sums[1];
  }

  void add_overlap_gradient(double factor, std::span<const double> sums, const LocalSums& local,
                            OverlapGradient& gradient) const override {
    for (std::int64_t image = 0; image < local.images; ++image) {
      if (options_.batch) {
        add_gradient(of_batch(sums), factor, image, gradient);
      } else {
        add_gradient(of_image(local, image), factor / sums[1], image, gradient);
      }
    }
  }

 private:
  ClassSums of_batch(std::span<const double> sums) const {
    const std::size_t classes = weights_.size();
    return {sums.subspan(0, classes), sums.subspan(classes, classes), sums.subspan(2 * classes, classes)};
  }

  ClassSums of_image(const LocalSums& local, std::int64_t image) const {
    const std::size_t classes = weights_.size(), first = static_cast<std::size_t>(image) * classes;
    const auto row = [&](const std::vector<double>& table) { return std::span(table).subspan(first, classes); };
    return {row(local.overlap), row(local.mass), row(local.labelled)};
  }

  double weight(const ClassSums& sums, std::size_t c) const {
    return drop_absent_ && sums.labelled[c] == 0 ? 0 : weights_[c];
  }

  double total_weight(const ClassSums& sums) const {
    double total = 0;
    for (std::size_t c = 0; c < weights_.size(); ++c) total += weight(sums, c);
    return total;
  }

  // 1 − Σ_c w_c·(2·overlap_c + ε) / (mass_c + labelled_c + ε) / Σ_c w_c; 0 where no class has a weight.
  double loss(const ClassSums& sums) const {
    const double total = total_weight(sums);
    if (total == 0) return 0;
    double mean = 0;
    for (std::size_t c = 0; c < weights_.size(); ++c) {
      const double denominator = sums.mass[c] + sums.labelled[c] + options_.epsilon;
      mean += weight(sums, c) / total * (2 * sums.overlap[c] + options_.epsilon) / denominator;
    }
    return 1 - mean;
  }

  void add_gradient(const ClassSums& sums, double factor, std::int64_t image, OverlapGradient& gradient) const {
    const double total = total_weight(sums);
    if (total == 0) return;
    const auto label = gradient.row(image, OverlapGradient::label);
    const auto of_mass = gradient.row(image, options_.squared_denominator ? OverlapGradient::slope  // d(p²)/dp = 2p
                                                                          : OverlapGradient::constant);
    const double d_mass = options_.squared_denominator ? 2 : 1;
    for (std::size_t c = 0; c < weights_.size(); ++c) {
      const double denominator = sums.mass[c] + sums.labelled[c] + options_.epsilon;
      const double share = factor * weight(sums, c) / total / denominator;
      label[c] -= 2 * share;
      of_mass[c] += d_mass * share * (2 * sums.overlap[c] + options_.epsilon) / denominator;
    }
  }

  std::vector<double> weights_;
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
