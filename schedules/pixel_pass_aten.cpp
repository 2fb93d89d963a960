// Sums go over a mask of the labels rather than through scatter-add, whose order of additions is not fixed on a GPU.
#include <torch/types.h>

#include <limits>

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
  const torch::Tensor finite = torch::isfinite(logits).all().to(torch::kFloat64);

  std::vector<torch::Tensor> parts = {
      sum_pixels(p * mask).flatten(),
      sum_pixels(options.squared ? p * p : p).flatten(),
      sum_pixels(mask).flatten(),
      finite.view(1),
  };
  if (!pixel_weights.empty()) {
    const torch::Tensor of_class = options.ignores ? labels.masked_fill(labels == kIgnored, 0) : labels;
    const torch::Tensor nll = log_p.gather(-1, of_class.unsqueeze(-1)).squeeze(-1).neg();
    for (const torch::Tensor& weights : pixel_weights) {
      parts.push_back((nll * weights).sum(torch::kFloat64).view(1));
      parts.push_back(weights.sum(torch::kFloat64).view(1));
    }
  }
  const torch::Tensor sums = torch::cat(parts).cpu();  // the one copy from the device
  const double* next = sums.const_data_ptr<double>();
  const auto take = [&next](std::int64_t count) {
    const double* first = next;
    next += count;
    return std::vector<double>(first, next);
  };

  SoftmaxPass result;
  LocalSums& local = result.sums;
  local.images = logits.size(0);
  local.classes = logits.size(3);
  local.overlap = take(local.images * local.classes);
  local.mass = take(local.images * local.classes);
  local.labelled = take(local.images * local.classes);
  for (const double count : local.labelled) local.pixels += static_cast<std::int64_t>(count);
  local.not_finite = take(1).front() == 1 ? 0 : std::numeric_limits<double>::quiet_NaN();
  for (std::size_t k = 0; k < pixel_weights.size(); ++k) {
    const std::vector<double> pair = take(2);
    local.weighted.push_back({pair[0], pair[1]});
  }
  if (options.keep) result.kept = {p};
  return result;
}

torch::Tensor gradient_pass_aten(const GradientParts& parts) {
  const torch::Tensor& p = parts.kept.front();
  const torch::Tensor mask = label_mask(parts.labels, p.size(3));
  const auto row = [&](OverlapGradient::Row kind) { return parts.overlap.select(1, kind).unsqueeze(1).unsqueeze(1); };
  const torch::Tensor d =
      row(OverlapGradient::label) * mask + row(OverlapGradient::constant) + row(OverlapGradient::slope) * p;
  torch::Tensor dz = p * (d - (p * d).sum(-1, /*keepdim=*/true));
  if (parts.nll.defined()) dz += parts.nll.unsqueeze(-1) * (p - mask.to(p.dtype()));
  return p.copy_(dz);
}

}  // namespace crossfade::schedules
