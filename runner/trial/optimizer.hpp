// Adam, AdamW and SGD with momentum, by LibTorch's fused kernels, with all state in plain sight for a checkpoint.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runner/grid/config.hpp"

namespace crossfade::runner {

/// 2-norm over all elements of all `gradients`: a float64 scalar on their device.
torch::Tensor global_norm(const std::vector<torch::Tensor>& gradients);

/// Scales all gradients in place so that their global norm is at most `largest`. `norm` is what global_norm() said.
/// Gradients are averaged before, so every rank scales alike.
void clip_gradients(const std::vector<torch::Tensor>& gradients, const torch::Tensor& norm, double largest);

/// Updates parameters as torch.optim.Adam, AdamW and SGD do. One thread.
class Optimizer {
 public:
  /// Parameters by name, with their final device, type and strides.
  Optimizer(const OptimizerOptions& options, std::vector<std::pair<std::string, torch::Tensor>> parameters);

  /// One update with the parameters' gradients, all of which must be there. Scalars on the parameters' device, where
  /// nothing is waited for: `learning_rate` in float64, which a GPU rounds to float32, and `skip` in float32, which if
  /// it is 1 leaves parameters and state as they are; undefined: 0.
  void step(const torch::Tensor& learning_rate, const torch::Tensor& skip = {}) {
    update(learning_rate, skip);
    count_step();
  }
  /// The device's part of step(), and the host's, which is to follow.
  void update(const torch::Tensor& learning_rate, const torch::Tensor& skip);
  void count_step() { ++steps_; }

  /// Everything that the next step depends on besides parameters and gradients, by name ("exp_avg.encoder.0.weight").
  /// Tensors share memory with the optimizer: copy into them to restore. set_steps() restores what is no tensor.
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  /// Steps so far, the skipped ones among them, of which the host does not know.
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps);

 private:
  OptimizerOptions options_;
  std::vector<std::string> names_;
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> first_;   // momentum buffer or first moment; empty for sgd without momentum
  std::vector<torch::Tensor> second_;  // second moment of Adam
  torch::Tensor count_;                // steps done, as Adam's kernel wants them: a float32 scalar
  std::int64_t steps_ = 0;
};

}  // namespace crossfade::runner
