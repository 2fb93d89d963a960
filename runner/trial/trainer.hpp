// One training step: forward, loss, backward with averaged gradients, clipping, update.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/shards/loader.hpp"
#include "model/network.hpp"
#include "runner/evaluation/network_input.hpp"
#include "runner/grid/config.hpp"
#include "runner/ranks/group.hpp"
#include "runner/trial/device_copies.hpp"
#include "runner/trial/optimizer.hpp"
#include "runner/trial/queue_options.hpp"
#include "runner/trial/step_graphs.hpp"
#include "schedules/scheduled_loss.hpp"

namespace crossfade::runner {

/// What one step found; the same on all ranks, but for `communication`.
struct StepResult {
  double loss = 0;
  std::vector<double> terms, weights;  // in the order of the schedule; terms unweighted
  double learning_rate = 0;
  double gradient_norm = 0;            // before clipping
  int images = 0;                      // of the global batch
  CommunicationSeconds communication;  // of this rank, in this step
  std::string not_finite;  // empty, or what was not finite ("loss term wdice", "gradient"): nothing was updated then
};

/// After how many steps a Trainer reads back what they found, if not told otherwise: 1 on the CPU, where reading costs
/// nothing; 16 elsewhere, so that the host stays ahead of the device.
int steps_between_reads(torch::Device device);

/// Trains one stage of a net. Collective over the group, one thread. `network` is placed, and it and `group` outlive
/// the trainer, which connects the net's layers to the group and broadcasts its parameters from group rank 0.
///
/// A step is queued on the device and waits for nothing there. Whether loss and gradient are finite is a number on the
/// device, by which the step itself and all that are queued behind it change nothing: parameters, moments, counts and
/// running statistics stay as they were before the first step that was not finite.
class Trainer {
 public:
  Trainer(model::Network& network, std::vector<schedules::ScheduledTerm> terms, std::vector<double> class_weights,
          const schedules::LossOptions& loss, const OptimizerOptions& optimizer, Group& group,
          const QueueOptions& queue = {});

  /// One step on this rank's part of a global batch, which may be empty. Labels are classes or kIgnored: shards are
  /// checked as they are read. What it throws (out of memory) leaves the other ranks waiting.
  ///
  /// Returns the results that were read back, in the order of steps, each once and on all ranks in the same call; none
  /// in most calls, if they are read every few steps. One that was not finite is the last: training is over then.
  std::vector<StepResult> step(const data::Batch& batch, double progress);
  /// The results of all steps that have not been returned yet; waits for them.
  std::vector<StepResult> read();

  Optimizer& optimizer() { return optimizer_; }
  const GradientReducer& reducer() const { return reducer_; }

 private:
  /// What the device is told of a step: `known`'s weights and learning rate in float64, images, labels.
  std::vector<torch::Tensor> inputs_of(const data::Batch& batch, const StepResult& known) const;
  schedules::LossTensors evaluate_loss(const std::vector<torch::Tensor>& inputs, const std::vector<double>& weights,
                                       const schedules::BatchTraits& traits);
  /// All that the device does in a step.
  void compute(const std::vector<torch::Tensor>& inputs, const std::vector<double>& weights,
               const schedules::BatchTraits& traits);
  /// After the backward pass: clips, updates if all was finite, and writes down what was found.
  void update(const schedules::LossTensors& loss, const torch::Tensor& learning_rate,
              const torch::Tensor& statistics_before);

  model::Network& network_;
  Group& group_;
  OptimizerOptions options_;
  schedules::ScheduledLoss loss_;
  std::vector<torch::Tensor> parameters_, buffers_;
  GradientReducer reducer_;
  Optimizer optimizer_;
  DeviceCopies to_device_;
  torch::Tensor not_finite_;  // float32 scalar on the device: 1 from the first step on that was not finite, else 0
  torch::Tensor found_;       // float64 [read_every, ...] on the device: what each step of queued_ found
  torch::Tensor row_;         // int64 [1] on the device: of found_, the next step's
  std::optional<StepGraphs> graphs_;
  std::vector<StepResult> queued_;  // steps that are not read back, with what the host knows of them
};

}  // namespace crossfade::runner
