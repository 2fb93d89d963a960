// Sums go over a mask of the labels rather than through scatter-add, whose order of additions is not fixed on a GPU.
#include <torch/types.h>

#include "schedules/pixel_pass.hpp"

namespace crossfade::schedules {
namespace {

torch::Tensor label_mask(const torch::Tensor& labels, std::int64_t classes) {
  return labels.unsqueeze(-1) == torch::arange(classes, labels.options());  // [n, H, W, C]
}

torch::Tensor sum_pixels(const torch::Tensor& values) {
  return values.sum({1, 2}, false, torch::kFloat64);
}  // [n, C]

}  // namespace

SoftmaxPass softmax_pass_aten(const torch::Tensor& logits, const torch::Tensor& labels,
                              const std::vector<torch::Tensor>& pixel_weights, const PassOptions& options) {
  const torch::Tensor log_p = torch::log_softmax(logits, -1, arithmetic_type(logits));
  const torch::Tensor mask = label_mask(labels, logits.size(3));
  const torch::Tensor p = log_p.exp();
  if (options.ignores) p.masked_fill_((labels == kIgnored).unsqueeze(-1), 0);

  SoftmaxPass result;
  LocalSums& local = result.sums;
  local.overlap = sum_pixels(p * mask);
  local.mass = sum_pixels(options.squared ? p * p : p);
  local.labelled = sum_pixels(mask);
  local.not_finite = (logits * 0).sum(torch::kFloat64);  // 0·z is 0, and NaN for infinite z and NaN
  if (!pixel_weights.empty()) {
    const torch::Tensor of_class = options.ignores ? labels.masked_fill(labels == kIgnored, 0) : labels;
    const torch::Tensor nll = log_p.gather(-1, of_class.unsqueeze(-1)).squeeze(-1).neg();
    std::vector<torch::Tensor> sums;
    for (const torch::Tensor& weights : pixel_weights)
      sums.push_back(torch::stack({(nll * weights).sum(torch::kFloat64), weights.sum(torch::kFloat64)}));
    local.weighted = torch::stack(sums);
  }
  if (options.keep) result.kept = {p};
  return result;
}

torch::Tensor gradient_pass_aten(const GradientParts& parts) {
  const torch::Tensor& p = parts.kept.front();
  const torch::Tensor mask = label_mask(parts.labels, p.size(3));
  const auto row = [&](std::int64_t kind) { return parts.overlap.select(1, kind).unsqueeze(1).unsqueeze(1); };
  const torch::Tensor d = row(OverlapRow::label) * mask + row(OverlapRow::constant) + row(OverlapRow::slope) * p;
  torch::Tensor dz = p * (d - (p * d).sum(-1, /*keepdim=*/true));
  if (parts.nll.defined()) dz += parts.nll.unsqueeze(-1) * (p - mask.to(p.dtype()));
  return p.copy_(dz);
}

}  // namespace crossfade::schedules
