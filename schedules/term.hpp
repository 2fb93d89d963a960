// What a loss term is: a few sums over pixels, a value made from their global totals, and a gradient in a common form,
// so that one pass over the pixels serves the sums of all terms and another their gradient.
//
// To add a term: a source file with a class that derives from Term and a TermDefinition, a test, and its line in
// term.cpp.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "schedules/scheduled_loss.hpp"

namespace crossfade::schedules {

/// Σ_i ω_i·nll_i and Σ_i ω_i of one term's pixel weights ω.
struct WeightedNll {
  double nll = 0;
  double weight = 0;
};

/// Sums over this rank's own pixels. Tables are [images, classes], row by row; a rank without a slice has no images.
struct LocalSums {
  std::int64_t images = 0;
  std::int64_t classes = 0;
  std::int64_t pixels = 0;            // of all images together, but for ignored ones
  std::vector<double> overlap;        // Σ p·g
  std::vector<double> mass;           // Σ p, or Σ p² (LossOptions::squared_denominator)
  std::vector<double> labelled;       // Σ g
  std::vector<WeightedNll> weighted;  // one for each tensor of pixel weights, in the order given
  double not_finite = 0;              // NaN if any logit is not finite, else 0
};

/// dL/dp_c of an image's pixels, in the form label_c·g_c + constant_c + slope_c·p_c: [images, 3, classes], row by row.
struct OverlapGradient {
  enum Row { label, constant, slope };

  OverlapGradient(std::int64_t images, std::int64_t classes)
      : images(images), classes(classes), values(static_cast<std::size_t>(images * 3 * classes)) {}

  std::span<double> row(std::int64_t image, Row kind) {
    return std::span(values).subspan(static_cast<std::size_t>((image * 3 + kind) * classes),
                                     static_cast<std::size_t>(classes));
  }

  std::int64_t images;
  std::int64_t classes;
  std::vector<double> values;
};

class Term {
 public:
  virtual ~Term() = default;

  /// Terms of cross-entropy: ω [n, H, W] of `type` for labels [n, H, W], uint8 on the CPU and int64 elsewhere, on their
  /// device; 0 where ignored, which `ignores` says there may be. Others: an undefined tensor.
  virtual torch::Tensor pixel_weights(const torch::Tensor& /*labels*/, bool /*ignores*/,
                                      torch::ScalarType /*type*/) const {
    return {};
  }

  /// How many numbers the term has in the all-reduced vector; the spans `sums` below are that long.
  virtual std::size_t sum_count() const = 0;
  /// Writes this rank's part. `own` belongs to the term's pixel weights.
  virtual void write_sums(const LocalSums& local, const WeightedNll& own, std::span<double> sums) const = 0;

  /// The term's value, from the global sums; finite for finite logits.
  virtual double value(std::span<const double> sums) const = 0;
  /// dL/d(ω_i·nll_i): the same for all pixels.
  virtual double nll_gradient(std::span<const double> /*sums*/) const { return 0; }
  /// Adds factor·dL/dp for this rank's images.
  virtual void add_overlap_gradient(double /*factor*/, std::span<const double> /*sums*/, const LocalSums& /*local*/,
                                    OverlapGradient& /*gradient*/) const {}
};

struct TermDefinition {
  const char* name;
  const char* formula;
  std::unique_ptr<Term> (*make)(const std::vector<double>& class_weights, const LossOptions& options);
};

/// Throws std::invalid_argument that lists the known names.
const TermDefinition& find_term(const std::string& name);

}  // namespace crossfade::schedules
