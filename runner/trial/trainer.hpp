// One training step: forward, loss, backward with averaged gradients, clipping, update.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/shards/loader.hpp"
#include "model/network.hpp"
#include "runner/grid/config.hpp"
#include "runner/ranks/group.hpp"
#include "runner/trial/optimizer.hpp"
#include "schedules/scheduled_loss.hpp"

namespace crossfade::runner {

/// Moves a net to where and how it is trained: device, type, and 4-D weights channels-last (1.5 times as fast on CPUs).
/// Before a Trainer is made.
void place_network(model::Network& network, torch::Device device, torch::ScalarType type = torch::kFloat);

/// The images [count, 1, H, W] of a batch as a channels-last tensor that shares the batch's memory on CPUs.
torch::Tensor image_tensor(const float* images, const std::array<std::int64_t, 4>& shape, torch::Device device,
                           torch::ScalarType type);

/// What one step found; the same on all ranks, but for `communication`.
struct StepResult {
  double loss = 0;
  std::vector<double> terms, weights;  // in the order of the schedule; terms unweighted
  double learning_rate = 0;
  double gradient_norm = 0;            // before clipping
  CommunicationSeconds communication;  // of this rank, in this step
  std::string not_finite;  // empty, or what was not finite ("loss term wdice", "gradient"): nothing was updated then
};

/// Trains one stage of a net. Collective over the group, one thread. `network` is placed, and it and `group` outlive
/// the trainer, which connects the net's layers to the group and broadcasts its parameters from group rank 0.
class Trainer {
 public:
  Trainer(model::Network& network, std::vector<schedules::ScheduledTerm> terms, std::vector<double> class_weights,
          const schedules::LossOptions& loss, const OptimizerOptions& optimizer, Group& group);

  /// One step on this rank's part of a global batch, which may be empty. What it throws (out of memory) leaves the
  /// other ranks waiting.
  StepResult step(const data::Batch& batch, double progress);

  Optimizer& optimizer() { return optimizer_; }
  const GradientReducer& reducer() const { return reducer_; }

 private:
  schedules::LossResult evaluate_loss(const data::Batch& batch, double progress);

  model::Network& network_;
  Group& group_;
  OptimizerOptions options_;
  schedules::ScheduledLoss loss_;
  std::vector<torch::Tensor> parameters_;
  GradientReducer reducer_;
  Optimizer optimizer_;
};

}  // namespace crossfade::runner
