#include "schedules/scheduled_loss.hpp"

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "schedules/pixel_pass.hpp"
#include "schedules/term.hpp"

namespace crossfade::schedules {
namespace {

void check_tensors(const torch::Tensor& logits, const torch::Tensor& labels, std::int64_t classes) {
  std::ostringstream wrong;
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
  }
  if (!wrong.str().empty()) throw std::invalid_argument(wrong.str());
}

/// Returns whether some label is kIgnored.
bool check_labels(const torch::Tensor& labels, std::int64_t classes) {
  const auto range_of = [](const torch::Tensor& values) {
    const auto [least, most] = torch::aminmax(values);
    const torch::Tensor range = torch::stack({least, most}).to(torch::kCPU, torch::kInt64);  // one copy from a GPU
    return std::pair(range[0].item<std::int64_t>(), range[1].item<std::int64_t>());
  };
  auto [low, high] = range_of(labels);
  const bool ignores = high == kIgnored;
  if (ignores) high = range_of(labels.masked_fill(labels == kIgnored, 0)).second;
  if (low < 0 || high >= classes) {
    throw std::invalid_argument("loss: label " + std::to_string(low < 0 ? low : high) +
                                " is out of range, labels go from 0 to " + std::to_string(classes - 1));
  }
  return ignores;
}

// The weighted sum of terms is computed by hand; this tells autograd its value and, when asked, its gradient. Nothing
// is kept for a dummy, whose gradient is zero.
class LossFunction : public torch::autograd::Function<LossFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& logits,
                               const torch::Tensor& value, const GradientParts& parts, bool consume) {
    torch::autograd::variable_list saved = {logits};
    if (!parts.kept.empty()) {
      saved = {parts.logits, parts.labels, parts.overlap, parts.nll};
      saved.insert(saved.end(), parts.kept.begin(), parts.kept.end());
    }
    context->save_for_backward(saved);
    context->saved_data["consume"] = consume;
    return value.to(arithmetic_type(logits), /*non_blocking=*/false, /*copy=*/true);
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

using Terms = std::vector<std::shared_ptr<const Term>>;

/// This rank's pixels as the passes take them, and what the first pass found.
struct OwnPixels {
  torch::Tensor logits;                // [n, H, W, C]
  torch::Tensor labels;                // uint8 on the CPU, int64 elsewhere
  std::vector<torch::Tensor> weights;  // of each term; undefined for those that have none
  SoftmaxPass pass;
};

OwnPixels first_pass(const Terms& terms, const torch::Tensor& logits, const torch::Tensor& labels,
                     const PassOptions& options) {
  OwnPixels own;
  own.logits = logits.permute({0, 2, 3, 1}).contiguous();
  own.labels = labels.to(logits.is_cpu() ? torch::kUInt8 : torch::kInt64).contiguous();
  std::vector<torch::Tensor> maps;
  for (const auto& term : terms) {
    own.weights.push_back(term->pixel_weights(own.labels, options.ignores, arithmetic_type(logits)));
    if (own.weights.back().defined()) maps.push_back(own.weights.back());
  }
  own.pass = (logits.is_cpu() ? softmax_pass_cpu : softmax_pass_aten)(own.logits, own.labels, maps, options);
  return own;
}

/// Whether logits are finite, then the sums of each term.
std::vector<torch::Tensor> own_sums(const Terms& terms, const OwnPixels& own) {
  const LocalSums& local = own.pass.sums;
  std::vector<torch::Tensor> sums = {local.not_finite.view({1})};
  std::int64_t map = 0;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    const bool weighted = own.weights[t].defined();
    sums.push_back(terms[t]->local_sums(local, weighted ? local.weighted[map++] : torch::Tensor()));
  }
  return sums;
}

/// An undefined `sum` is 0.
torch::Tensor plus(const torch::Tensor& sum, const torch::Tensor& more) {
  return sum.defined() ? sum + more : more;
}

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

LossTensors ScheduledLoss::evaluate(const torch::Tensor& logits, const torch::Tensor& labels,
                                    const TermWeights& weights, const BatchTraits& traits) const {
  check_tensors(logits, labels, classes_);
  const bool with_gradient = torch::GradMode::is_enabled() && logits.requires_grad() && !traits.dummy;
  GradientParts parts;
  LossTensors result;
  {
    const torch::NoGradGuard no_grad;
    OwnPixels own;
    if (!traits.dummy) {
      own = first_pass(parts_, logits, labels,
                       {.squared = options_.squared_denominator, .keep = with_gradient, .ignores = traits.ignores});
    }
    // One vector for all terms, so that there is one collective: whether all logits are finite, then each term's sums.
    std::vector<std::int64_t> lengths = {1};
    for (const auto& part : parts_) lengths.push_back(part->sum_count());
    const std::int64_t length = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    torch::Tensor vector = traits.dummy ? torch::zeros({length}, logits.options().dtype(torch::kFloat64))
                                        : torch::cat(own_sums(parts_, own));
    all_reduce_(vector);
    const std::vector<torch::Tensor> sums = vector.split_with_sizes(lengths);

    const torch::Tensor not_finite = sums[0][0];
    torch::Tensor total, nll;  // nll: the terms' pixel weights, each times its dL/d(ω·nll), added up
    const torch::Tensor overlap = torch::zeros({with_gradient ? logits.size(0) : 0, 3, classes_}, vector.options());
    std::vector<torch::Tensor> values(1);
    for (std::size_t t = 0; t < parts_.size(); ++t) {
      const torch::Tensor& of_term = sums[t + 1];
      values.push_back(parts_[t]->value(of_term) + not_finite);
      if (weights.on_host[t] == 0) continue;
      const torch::Tensor weight = weights.on_device[static_cast<std::int64_t>(t)];
      total = plus(total, weight * values.back());
      if (!with_gradient) continue;
      const torch::Tensor factor = weight * ranks_;  // the Reducer divides by the ranks
      parts_[t]->add_overlap_gradient(factor, of_term, own.pass.sums, overlap);
      if (own.weights[t].defined()) nll = plus(nll, own.weights[t] * (factor * parts_[t]->nll_gradient(of_term)));
    }
    values[0] = plus(total, not_finite);  // also where all weights are 0
    result.values = torch::stack(values);
    if (with_gradient) {
      parts = {.logits = logits.is_cpu() ? own.logits : torch::Tensor(),
               .kept = own.pass.kept,
               .labels = own.labels,
               .overlap = overlap.to(arithmetic_type(logits)),
               .nll = nll};
    }
  }
  result.total = LossFunction::apply(logits, result.values[0], parts, traits.consume);
  return result;
}

LossResult ScheduledLoss::operator()(const torch::Tensor& logits, const torch::Tensor& labels, double progress,
                                     bool dummy, bool consume) const {
  check_tensors(logits, labels, classes_);
  const bool ignores = !dummy && check_labels(labels, classes_);
  LossResult result;
  result.weights = weights(progress);
  const torch::Tensor on_device = torch::tensor(result.weights, torch::kFloat64).to(logits.device());
  const LossTensors tensors =
      evaluate(logits, labels, {result.weights, on_device}, {.ignores = ignores, .dummy = dummy, .consume = consume});
  result.total = tensors.total;
  const torch::Tensor values = tensors.values.cpu();
  const double* first = values.const_data_ptr<double>();
  result.value = *first;
  result.terms.assign(first + 1, first + values.numel());
  return result;
}

std::vector<double> ScheduledLoss::weights(double progress) const {
  std::vector<double> result;
  for (const ScheduledTerm& term : terms_) result.push_back(schedules::evaluate(term.curve, progress));
  return result;
}

}  // namespace crossfade::schedules
