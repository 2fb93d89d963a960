// Batch normalisation over the global batch: the statistics are those of all ranks of the group together.
#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "model/activation.hpp"
#include "model/network.hpp"

namespace crossfade::model {

/// y = γ·(x − mean) / sqrt(var + 1e-5) + β for each channel of x [n, C, H, W] (Ioffe & Szegedy 2015).
///
/// In training mode mean and (biased) variance are those of the global batch, from sums in float64: one all-reduce of
/// 2C + 1 numbers in the forward pass, one of 2C in the backward pass. The gradient of x is exact for the global loss;
/// those of γ and β are this rank's part, which the Reducer adds up like any other (its mean over ranks meets a loss
/// gradient that was multiplied by their number). On a dummy rank x counts in no statistic and all gradients are zero,
/// and it joins both collectives. Running statistics move by a tenth of the way each training forward pass (the
/// variance unbiased) and are used in evaluation mode. Parameter and buffer names are those of torch.nn.BatchNorm2d.
class BatchNorm : public torch::nn::Module {
 public:
  BatchNorm(int channels, std::shared_ptr<const GroupContext> group);

  /// Any strides; channels-last is fastest. With `rectify` ReLU follows, in the same pass over the pixels. float64,
  /// float32 or bfloat16, computed in float32 at least; the values have x's dtype and memory format. x must not be
  /// changed afterwards.
  Activation forward(const torch::Tensor& x, bool rectify = false);

 private:
  std::shared_ptr<const GroupContext> group_;
  torch::Tensor weight_, bias_, running_mean_, running_var_;
};

}  // namespace crossfade::model
