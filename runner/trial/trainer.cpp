#include "runner/trial/trainer.hpp"

#include <ATen/record_function.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <utility>

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

std::string name_not_finite(const StepResult& result, const schedules::ScheduledLoss& loss) {
  for (std::size_t i = 0; i < result.terms.size(); ++i) {
    if (!std::isfinite(result.terms[i]) && result.weights[i] != 0) return "loss term " + loss.terms()[i].term;
  }
  return std::isfinite(result.loss) ? "gradient" : "loss";
}

/// One behind the other in a tensor of their own.
torch::Tensor joined(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& tensor : tensors) flat.push_back(tensor.flatten());
  return flat.empty() ? torch::Tensor() : torch::cat(flat);
}

/// Gives tensors the values that joined() said of them `before`, if `condition` is not 0.
void restore_if(const torch::Tensor& condition, const torch::Tensor& before,
                const std::vector<torch::Tensor>& tensors) {
  if (tensors.empty()) return;
  if (condition.is_cpu() && condition.item<float>() == 0) return;  // where looking costs nothing it saves the copies
  std::vector<torch::Tensor> values;
  const torch::Tensor chosen = torch::where(condition.to(torch::kBool), before, joined(tensors));
  std::int64_t at = 0;
  for (const torch::Tensor& tensor : tensors) {
    values.push_back(chosen.narrow(0, at, tensor.numel()).view(tensor.sizes()));
    at += tensor.numel();
  }
  at::_foreach_copy_(tensors, values);
}

}  // namespace

int steps_between_reads(torch::Device device) {
  return device.is_cpu() ? 1 : 16;
}

Trainer::Trainer(model::Network& network, std::vector<schedules::ScheduledTerm> terms,
                 std::vector<double> class_weights, const schedules::LossOptions& loss,
                 const OptimizerOptions& optimizer, Group& group, const QueueOptions& queue)
    : network_(network),
      group_(group),
      options_(optimizer),
      loss_(std::move(terms), std::move(class_weights), loss, group.size(),
            [&group](torch::Tensor& sums) { group.all_reduce_loss(sums); }),
      parameters_(network.parameters()),
      buffers_(network.buffers()),
      reducer_(group, parameters_),
      optimizer_(optimizer, named_parameters(network)),
      to_device_(group.device()),
      not_finite_(torch::zeros({}, torch::dtype(torch::kFloat).device(group.device()))) {
  network_.group().all_reduce = [&group](torch::Tensor& sums) { group.all_reduce_norm(sums); };
  const int rows = queue.read_every > 0 ? queue.read_every : steps_between_reads(group.device());
  // A step's total, terms, norm of the gradient, and whether it or one before it was not finite.
  const auto columns = static_cast<std::int64_t>(loss_.terms().size() + 3);
  found_ = torch::zeros({rows, columns}, torch::dtype(torch::kDouble).device(group.device()));
  row_ = torch::zeros({1}, torch::dtype(torch::kLong).device(group.device()));
  if (queue.graph && group.size() == 1) graphs_.emplace(group.device());  // the Reducer works on the host
}

std::vector<torch::Tensor> Trainer::inputs_of(const data::Batch& batch, const StepResult& known) const {
  std::vector<double> numbers = known.weights;
  numbers.push_back(known.learning_rate);
  std::vector<torch::Tensor> tensors = {torch::tensor(numbers, torch::kDouble)};
  if (batch.count > 0) {
    tensors.push_back(image_view(batch.images.data(), {batch.count, batch.channels, batch.height, batch.width}));
    tensors.push_back(torch::from_blob(const_cast<std::uint8_t*>(batch.labels.data()),
                                       {batch.count, batch.height, batch.width}, torch::kByte));
  }
  tensors = to_device_(std::move(tensors));
  if (batch.count == 0) {  // a rank without a slice runs one of zeros, so that it joins every collective
    const auto on_device = torch::dtype(parameters_.front().scalar_type()).device(group_.device());
    tensors.push_back(torch::zeros({1, batch.channels, batch.height, batch.width}, on_device));
    tensors.push_back(torch::zeros({1, batch.height, batch.width}, on_device.dtype(torch::kByte)));
  }
  return tensors;
}

std::vector<StepResult> Trainer::step(const data::Batch& batch, double progress) {
  StepResult& result = queued_.emplace_back();  // what the host knows of it
  result.learning_rate = learning_rate(options_, progress);
  result.weights = loss_.weights(progress);
  result.images = batch.global_count;
  group_.reset_communication();
  reducer_.zero_gradients();
  reducer_.prepare();
  const std::vector<torch::Tensor> inputs = inputs_of(batch, result);
  const schedules::BatchTraits traits{.ignores = batch.ignores, .dummy = batch.count == 0, .consume = true};
  network_.group().dummy = traits.dummy;
  if (graphs_) {
    std::string kind = traits.ignores ? "ignores" : "";
    for (const double weight : result.weights) kind += weight == 0 ? " 0" : " 1";
    (*graphs_)(kind, inputs,
               [&](const std::vector<torch::Tensor>& lasting) { compute(lasting, result.weights, traits); });
  } else {
    compute(inputs, result.weights, traits);
  }
  optimizer_.count_step();
  result.communication = group_.communication();
  return std::cmp_less(queued_.size(), found_.size(0)) ? std::vector<StepResult>() : read();
}

schedules::LossTensors Trainer::evaluate_loss(const std::vector<torch::Tensor>& inputs,
                                              const std::vector<double>& weights,
                                              const schedules::BatchTraits& traits) {
  const torch::Tensor &numbers = inputs[0], &images = inputs[1], &labels = inputs[2];
  const torch::Tensor logits = [&] {
    RECORD_USER_SCOPE("forward");
    const auto type = parameters_.front().scalar_type();
    return network_.forward(images.to(type).contiguous(torch::MemoryFormat::ChannelsLast));
  }();
  RECORD_USER_SCOPE("loss");
  return loss_.evaluate(logits, labels, {weights, numbers.slice(0, 0, -1)}, traits);
}

void Trainer::compute(const std::vector<torch::Tensor>& inputs, const std::vector<double>& weights,
                      const schedules::BatchTraits& traits) {
  const torch::Tensor statistics_before = joined(buffers_);
  const schedules::LossTensors loss = evaluate_loss(inputs, weights, traits);
  {
    RECORD_USER_SCOPE("backward");
    reducer_.prepare_backward(loss.total);
    loss.total.backward();
    reducer_.finish_backward();
  }
  RECORD_USER_SCOPE("optimiser");
  update(loss, inputs[0][-1], statistics_before);
}

void Trainer::update(const schedules::LossTensors& loss, const torch::Tensor& learning_rate,
                     const torch::Tensor& statistics_before) {
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> gradients = gradients_of(parameters_);
  const torch::Tensor norm = global_norm(gradients);
  not_finite_.logical_or_(torch::isfinite(torch::stack({loss.values[0], norm})).all().logical_not_());
  if (options_.clip_norm > 0) clip_gradients(gradients, norm, options_.clip_norm);
  optimizer_.update(learning_rate, not_finite_);
  restore_if(not_finite_, statistics_before, buffers_);
  const torch::Tensor found = torch::cat({loss.values, norm.view({1}), not_finite_.view({1}).to(torch::kDouble)});
  found_.index_copy_(0, row_, found.view({1, -1}));
  row_.add_(1);
}

std::vector<StepResult> Trainer::read() {
  std::vector<StepResult> results = std::exchange(queued_, {});
  const torch::Tensor found = found_.cpu();
  row_.zero_();
  const std::size_t columns = static_cast<std::size_t>(found.size(1)), terms = columns - 3;
  const double* row = found.const_data_ptr<double>();
  for (std::size_t s = 0; s < results.size(); ++s, row += columns) {
    StepResult& result = results[s];
    result.loss = row[0];
    result.terms.assign(row + 1, row + 1 + terms);
    result.gradient_norm = row[1 + terms];
    if (row[2 + terms] == 0) continue;
    result.not_finite = name_not_finite(result, loss_);
    optimizer_.set_steps(optimizer_.steps() - static_cast<std::int64_t>(results.size() - s));
    results.resize(s + 1);
  }
  return results;
}

}  // namespace crossfade::runner
