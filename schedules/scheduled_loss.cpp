#include "schedules/scheduled_loss.hpp"

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <sstream>
#include <stdexcept>

#include "schedules/pixel_pass.hpp"
#include "schedules/term.hpp"

namespace crossfade::schedules {
namespace {

/// Returns whether some label is kIgnored.
bool check_batch(const torch::Tensor& logits, const torch::Tensor& labels, std::int64_t classes, bool check_labels) {
  std::ostringstream wrong;
  bool ignores = false;
  if (logits.dim() != 4 || logits.size(1) != classes || logits.numel() == 0) {
    wrong << "loss: logits must be [n, " << classes << ", H, W] and not empty, got " << logits.sizes();
  } else if (logits.scalar_type() != torch::kFloat32 && logits.scalar_type() != torch::kFloat64 &&
             logits.scalar_type() != torch::kBFloat16) {
    wrong << "loss: logits must be float32, float64 or bfloat16, got " << logits.dtype();
  } else if (labels.dim() != 3 || labels.size(0) != logits.size(0) || labels.size(1) != logits.size(2) ||
             labels.size(2) != logits.size(3)) {
    wrong << "loss: labels must be [n, H, W] like logits " << logits.sizes() << ", got " << labels.sizes();
  } else if (labels.scalar_type() != torch::kUInt8 && labels.scalar_type() != torch::kInt64) {
    wrong << "loss: labels must be uint8 or int64, got " << labels.dtype();
  } else if (labels.device() != logits.device()) {
    wrong << "loss: labels are on " << labels.device() << ", logits on " << logits.device();
  } else if (check_labels) {
    const auto range_of = [](const torch::Tensor& values) {
      const auto [least, most] = torch::aminmax(values);
      const torch::Tensor range = torch::stack({least, most}).to(torch::kCPU, torch::kInt64);  // one copy from a GPU
      return std::pair(range[0].item<std::int64_t>(), range[1].item<std::int64_t>());
    };
    auto [low, high] = range_of(labels);
    ignores = high == kIgnored;
    if (ignores) high = range_of(labels.masked_fill(labels == kIgnored, 0)).second;
    if (low < 0 || high >= classes) {
      wrong << "loss: label " << (low < 0 ? low : high) << " is out of range, labels go from 0 to " << classes - 1;
    }
  }
  if (!wrong.str().empty()) throw std::invalid_argument(wrong.str());
  return ignores;
}

// The weighted sum of terms is computed by hand; this tells autograd its value and, when asked, its gradient. Nothing
// is kept for a dummy, whose gradient is zero.
class LossFunction : public torch::autograd::Function<LossFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& logits, double value,
                               const GradientParts& parts, bool consume) {
    torch::autograd::variable_list saved = {logits};
    if (!parts.kept.empty()) {
      saved = {parts.logits, parts.labels, parts.overlap, parts.nll};
      saved.insert(saved.end(), parts.kept.begin(), parts.kept.end());
    }
    context->save_for_backward(saved);
    context->saved_data["consume"] = consume;
    return torch::full({}, value, logits.options().dtype(arithmetic_type(logits)));
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& outer) {
    const auto saved = context->get_saved_variables();
    if (saved.size() == 1) return {torch::zeros_like(saved[0]), {}, {}, {}};
    const GradientParts parts{.logits = saved[0],
                              .kept = {saved.begin() + 4, saved.end()},
                              .labels = saved[1],
                              .overlap = saved[2] * outer[0],
                              .nll = saved[3].defined() ? saved[3] * outer[0] : saved[3]};
    const bool consume = context->saved_data["consume"].toBool();
    const torch::Tensor gradient =
        parts.logits.defined() ? gradient_pass_cpu(parts, consume) : gradient_pass_aten(parts);
    parts.kept.front().unsafeGetTensorImpl()->bump_version();  // so that a second backward() is refused
    return {gradient.permute({0, 3, 1, 2}), {}, {}, {}};
  }
};

}  // namespace

ScheduledLoss::ScheduledLoss(std::vector<ScheduledTerm> terms, std::vector<double> class_weights, LossOptions options,
                             int ranks, AllReduce all_reduce)
    : terms_(std::move(terms)),
      classes_(static_cast<std::int64_t>(class_weights.size())),
      options_(std::move(options)),
      ranks_(ranks),
      all_reduce_(std::move(all_reduce)) {
  if (terms_.empty()) throw std::invalid_argument("loss: no terms; name at least one");
  if (class_weights.empty()) throw std::invalid_argument("loss: no class weights; give one for each class");
  if (classes_ > kIgnored) throw std::invalid_argument("loss: " + std::to_string(classes_) + " classes; at most 255");
  if (ranks_ < 1) throw std::invalid_argument("loss: " + std::to_string(ranks_) + " ranks; there is at least one");
  if (!all_reduce_) throw std::invalid_argument("loss: no all-reduce; one rank takes one that does nothing");
  for (std::size_t c = 0; c < class_weights.size(); ++c) {
    if (!std::isfinite(class_weights[c]) || class_weights[c] < 0) {
      throw std::invalid_argument("loss: weight " + std::to_string(class_weights[c]) + " of class " +
                                  std::to_string(c) + " must be finite and not negative");
    }
  }
  for (auto term = terms_.begin(); term != terms_.end(); ++term) {
    const auto same = [&](const ScheduledTerm& other) { return other.term == term->term; };
    if (std::any_of(terms_.begin(), term, same)) {
      throw std::invalid_argument("loss: term '" + term->term + "' is named twice");
    }
    const TermDefinition& definition = find_term(term->term);
    try {
      check(term->curve);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("loss: term '" + term->term + "': " + error.what());
    }
    parts_.push_back(definition.make(class_weights, options_));
  }
}

LossResult ScheduledLoss::operator()(const torch::Tensor& logits, const torch::Tensor& labels, double progress,
                                     bool dummy, bool consume) const {
  const bool ignores = check_batch(logits, labels, classes_, !dummy);
  const bool with_gradient = torch::GradMode::is_enabled() && logits.requires_grad();
  const bool on_cpu = logits.is_cpu();

  torch::Tensor pixels;                          // logits as [n, H, W, C]
  torch::Tensor indices;                         // labels, as the passes take them
  std::vector<torch::Tensor> pixel_weights;      // of the terms that have them
  std::vector<std::size_t> slot(parts_.size());  // of each term in pixel_weights; past the end for the others
  SoftmaxPass pass;
  {
    const torch::NoGradGuard no_grad;
    indices = labels.to(on_cpu ? torch::kUInt8 : torch::kInt64).contiguous();
    for (std::size_t t = 0; t < parts_.size(); ++t) {
      const torch::Tensor weights = parts_[t]->pixel_weights(indices, ignores, arithmetic_type(logits));
      slot[t] = weights.defined() ? pixel_weights.size() : std::numeric_limits<std::size_t>::max();
      if (weights.defined()) pixel_weights.push_back(weights);
    }
    if (dummy) {
      pass.sums.classes = classes_;
      pass.sums.weighted.resize(pixel_weights.size());
    } else {
      pixels = logits.permute({0, 2, 3, 1}).contiguous();
      pass = (on_cpu ? softmax_pass_cpu : softmax_pass_aten)(
          pixels, indices, pixel_weights,
          {.squared = options_.squared_denominator, .keep = with_gradient, .ignores = ignores});
    }
  }

  // One vector for all terms, so that there is one collective: whether all logits are finite, then each term's sums.
  std::size_t count = 1;
  for (const auto& part : parts_) count += part->sum_count();
  torch::Tensor vector = torch::zeros({static_cast<std::int64_t>(count)}, torch::kFloat64);
  const auto each_term = [&](const auto& visit) {
    std::span<double> rest(vector.mutable_data_ptr<double>() + 1, count - 1);
    for (std::size_t t = 0; t < parts_.size(); ++t) {
      visit(t, rest.first(parts_[t]->sum_count()));
      rest = rest.subspan(parts_[t]->sum_count());
    }
  };
  vector[0] = pass.sums.not_finite;
  each_term([&](std::size_t t, std::span<double> sums) {
    const bool weighted = slot[t] < pixel_weights.size();
    parts_[t]->write_sums(pass.sums, weighted ? pass.sums.weighted[slot[t]] : WeightedNll{}, sums);
  });
  if (ranks_ > 1) vector = vector.to(logits.device());
  all_reduce_(vector);
  vector = vector.cpu();

  LossResult result;
  const double not_finite = vector[0].item<double>();
  OverlapGradient overlap(pass.sums.images, classes_);
  torch::Tensor nll;  // the terms' pixel weights, each times its dL/d(ω·nll), added up
  each_term([&](std::size_t t, std::span<double> sums) {
    const double weight = evaluate(terms_[t].curve, progress);
    result.weights.push_back(weight);
    result.terms.push_back(parts_[t]->value(sums) + not_finite);
    if (weight == 0) return;
    result.value += weight * result.terms.back();
    if (!with_gradient || dummy) return;
    const double factor = weight * ranks_;  // the Reducer divides by the ranks
    parts_[t]->add_overlap_gradient(factor, sums, pass.sums, overlap);
    if (slot[t] < pixel_weights.size()) {
      const torch::Tensor part = pixel_weights[slot[t]] * (factor * parts_[t]->nll_gradient(sums));
      nll = nll.defined() ? nll + part : part;
    }
  });
  result.value += not_finite;  // also where all weights are 0

  GradientParts parts;
  if (with_gradient && !dummy) {
    parts = {.logits = on_cpu ? pixels : torch::Tensor(),
             .kept = pass.kept,
             .labels = indices,
             .overlap = torch::tensor(overlap.values, torch::kFloat64)
                            .to(logits.device(), arithmetic_type(logits))
                            .view({overlap.images, 3, classes_}),
             .nll = nll};
  }
  result.total = LossFunction::apply(logits, result.value, parts, consume);
  return result;
}

}  // namespace crossfade::schedules
