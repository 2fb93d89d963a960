#include "runner/trial/trainer.hpp"

#include <ATen/record_function.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "runner/grid/learning_rate.hpp"

namespace crossfade::runner {
namespace {

std::vector<std::pair<std::string, torch::Tensor>> named_parameters(const model::Network& network) {
  std::vector<std::pair<std::string, torch::Tensor>> result;
  for (const auto& item : network.named_parameters()) result.emplace_back(item.key(), item.value());
  return result;
}

std::vector<torch::Tensor> gradients_of(const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const torch::Tensor& parameter : parameters) gradients.push_back(parameter.grad());
  return gradients;
}

std::string name_not_finite(const schedules::LossResult& result, const schedules::ScheduledLoss& loss) {
  for (std::size_t i = 0; i < result.terms.size(); ++i) {
    if (!std::isfinite(result.terms[i]) && result.weights[i] != 0) return "loss term " + loss.terms()[i].term;
  }
  return "loss";
}

}  // namespace

void place_network(model::Network& network, torch::Device device, torch::ScalarType type) {
  const torch::NoGradGuard no_grad;
  network.to(device, type);
  for (torch::Tensor& parameter : network.parameters()) {
    if (parameter.dim() != 4) continue;
    // A copy, since contiguous() leaves the strides of a weight with one input channel, which say nothing to the
    // convolution about the order it should work in.
    parameter.set_data(torch::empty_like(parameter, torch::MemoryFormat::ChannelsLast).copy_(parameter));
  }
}

torch::Tensor image_tensor(const float* images, const std::array<std::int64_t, 4>& shape, torch::Device device,
                           torch::ScalarType type) {
  const auto [count, channels, height, width] = shape;
  const auto memory = const_cast<float*>(images);
  if (channels == 1)  // both layouts at once: strides that say channels last
    return torch::from_blob(memory, shape, {height * width, 1, width, 1}, torch::kFloat).to(device, type);
  return torch::from_blob(memory, shape, torch::kFloat).to(device, type).contiguous(torch::MemoryFormat::ChannelsLast);
}

Trainer::Trainer(model::Network& network, std::vector<schedules::ScheduledTerm> terms,
                 std::vector<double> class_weights, const schedules::LossOptions& loss,
                 const OptimizerOptions& optimizer, Group& group)
    : network_(network),
      group_(group),
      options_(optimizer),
      loss_(std::move(terms), std::move(class_weights), loss, group.size(),
            [&group](torch::Tensor& sums) { group.all_reduce_loss(sums); }),
      parameters_(network.parameters()),
      reducer_(group, parameters_),
      optimizer_(optimizer, named_parameters(network)) {
  network_.group().all_reduce = [&group](torch::Tensor& sums) { group.all_reduce_norm(sums); };
}

schedules::LossResult Trainer::evaluate_loss(const data::Batch& batch, double progress) {
  const bool dummy = batch.count == 0;
  const auto type = parameters_.front().scalar_type();
  const torch::Device device = group_.device();
  // A rank without a slice runs one of zeros, so that it joins every collective.
  const std::int64_t count = std::max(batch.count, 1);
  const auto images =
      dummy ? torch::zeros({1, batch.channels, batch.height, batch.width}, torch::dtype(type).device(device))
            : image_tensor(batch.images.data(), {count, batch.channels, batch.height, batch.width}, device, type);
  const auto labels = dummy ? torch::zeros({1, batch.height, batch.width}, torch::dtype(torch::kByte).device(device))
                            : torch::from_blob(const_cast<std::uint8_t*>(batch.labels.data()),
                                               {count, batch.height, batch.width}, torch::kByte)
                                  .to(device);
  network_.group().dummy = dummy;
  const torch::Tensor logits = [&] {
    RECORD_USER_SCOPE("forward");
    return network_.forward(images);
  }();
  RECORD_USER_SCOPE("loss");
  return loss_(logits, labels, progress, dummy, /*consume=*/true);
}

StepResult Trainer::step(const data::Batch& batch, double progress) {
  StepResult result;
  result.learning_rate = learning_rate(options_, progress);
  group_.reset_communication();
  reducer_.zero_gradients();
  reducer_.prepare();
  const schedules::LossResult loss = evaluate_loss(batch, progress);
  result.loss = loss.value;
  result.terms = loss.terms;
  result.weights = loss.weights;
  if (!std::isfinite(loss.value)) {
    result.not_finite = name_not_finite(loss, loss_);
    return result;
  }
  {
    RECORD_USER_SCOPE("backward");
    reducer_.prepare_backward(loss.total);
    loss.total.backward();
    reducer_.finish_backward();
  }
  result.communication = group_.communication();

  RECORD_USER_SCOPE("optimiser");
  const std::vector<torch::Tensor> gradients = gradients_of(parameters_);
  result.gradient_norm = global_norm(gradients);
  if (!std::isfinite(result.gradient_norm)) {
    result.not_finite = "gradient";
    return result;
  }
  if (options_.clip_norm > 0) clip_gradients(gradients, result.gradient_norm, options_.clip_norm);
  optimizer_.step(result.learning_rate);
  return result;
}

}  // namespace crossfade::runner
