#include "runner/trial/optimizer.hpp"

#include <torch/types.h>
#include <torch/utils.h>

#include <optional>

namespace crossfade::runner {

torch::Tensor global_norm(const std::vector<torch::Tensor>& gradients) {
  const torch::NoGradGuard no_grad;
  return torch::linalg_vector_norm(torch::stack(at::_foreach_norm(gradients, 2, torch::kDouble)));
}

void clip_gradients(const std::vector<torch::Tensor>& gradients, const torch::Tensor& norm, double largest) {
  if (norm.is_cpu() && norm.item<double>() <= largest) return;  // where looking costs nothing it saves a pass
  const torch::NoGradGuard no_grad;
  const torch::Tensor factor = torch::full({}, largest, norm.options()).div_(norm).clamp_max_(1);
  at::_foreach_mul_(gradients, factor.to(gradients.front().scalar_type()));
}

namespace {

/// A channels-last tensor as a view whose memory is in order: what a fused kernel takes without a copy.
torch::Tensor in_order(const torch::Tensor& tensor) {
  const bool last = tensor.dim() == 4 && tensor.is_contiguous(torch::MemoryFormat::ChannelsLast);
  return last ? tensor.permute({0, 2, 3, 1}) : tensor;
}

std::vector<torch::Tensor> in_order(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> views;
  views.reserve(tensors.size());
  for (const torch::Tensor& tensor : tensors) views.push_back(in_order(tensor.detach()));
  return views;
}

}  // namespace

Optimizer::Optimizer(const OptimizerOptions& options, std::vector<std::pair<std::string, torch::Tensor>> parameters)
    : options_(options) {
  const bool adam = options_.name != "sgd";
  for (auto& [name, parameter] : parameters) {
    // zeros_like keeps channels-last strides, which the fused kernels expect of all their arguments.
    if (adam || options_.momentum > 0) first_.push_back(torch::zeros_like(parameter));
    if (adam) second_.push_back(torch::zeros_like(parameter));
    names_.push_back(std::move(name));
    parameters_.push_back(std::move(parameter));
  }
  if (adam) count_ = torch::zeros({}, parameters_.front().options().dtype(torch::kFloat).requires_grad(false));
}

void Optimizer::update(const torch::Tensor& learning_rate, const torch::Tensor& skip) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (const torch::Tensor& parameter : parameters_) {
    torch::Tensor gradient = parameter.grad();
    if (gradient.strides() != parameter.strides()) gradient = torch::empty_like(parameter).copy_(gradient);
    gradients.push_back(in_order(gradient));
  }
  const std::vector<torch::Tensor> parameters = in_order(parameters_), first = in_order(first_),
                                   second = in_order(second_);
  const torch::Tensor rate = learning_rate.is_cpu() ? learning_rate : learning_rate.to(torch::kFloat);
  const auto found_inf = skip.defined() ? std::optional(skip) : std::nullopt;
  if (options_.name == "sgd") {
    at::_fused_sgd_(parameters, gradients, first, options_.weight_decay, options_.momentum, rate,
                    /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/steps_ == 0,
                    /*grad_scale=*/{}, found_inf);
  } else {
    count_.add_(1);
    if (found_inf) count_.sub_(skip);
    const std::vector<torch::Tensor> counts(parameters.size(), count_);
    if (options_.name == "adamw") {
      at::_fused_adamw_(parameters, gradients, first, second, {}, counts, rate, options_.beta1, options_.beta2,
                        options_.weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false,
                        /*grad_scale=*/{}, found_inf);
    } else {
      at::_fused_adam_(parameters, gradients, first, second, {}, counts, rate, options_.beta1, options_.beta2,
                       options_.weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false,
                       /*grad_scale=*/{}, found_inf);
    }
  }
}

std::vector<std::pair<std::string, torch::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> result;
  for (std::size_t i = 0; i < first_.size(); ++i) {
    result.emplace_back((second_.empty() ? "momentum." : "exp_avg.") + names_[i], first_[i]);
  }
  for (std::size_t i = 0; i < second_.size(); ++i) result.emplace_back("exp_avg_sq." + names_[i], second_[i]);
  return result;
}

void Optimizer::set_steps(std::int64_t steps) {
  steps_ = steps;
  if (count_.defined()) count_.fill_(static_cast<double>(steps));
}

}  // namespace crossfade::runner
