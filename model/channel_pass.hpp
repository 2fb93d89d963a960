// Passes over the pixels of [n, C, H, W] channel by channel, as batch normalisation needs them: fused loops for
// channels-last tensors on the CPU, tensor operations for everything else. Both are deterministic, whatever the number
// of threads; sums are float64.
#pragma once

#include <torch/types.h>

namespace crossfade::model {

/// x·scale + shift, and max(0, ·) of that with `rectify`.
struct ChannelAffine {
  torch::Tensor scale, shift;  // float64 [C]
  bool rectify = false;
};

/// Σ a and Σ a·b over all pixels: float64 [2, C] on the device of `a`. `a` and `b` are alike in shape and dtype.
torch::Tensor channel_sums(const torch::Tensor& a, const torch::Tensor& b);

/// The same, of an `a` that is 0 where `of_b` rectified b to 0.
torch::Tensor channel_sums(const torch::Tensor& a, const torch::Tensor& b, const ChannelAffine& of_b);

/// Dtype and memory format of `x`.
torch::Tensor channel_affine(const torch::Tensor& x, const ChannelAffine& by);

/// dy·of_gradient + x·of_input + constant with one float64 [C] each, dy being 0 where `forward` rectified x to 0. All
/// are alike in shape and dtype; the dtype and memory format are x's. With `over_dy` it may be written over dy.
struct ChannelAffineGradient {
  ChannelAffine forward;
  torch::Tensor of_gradient, of_input, constant;
};
torch::Tensor channel_affine_gradient(const torch::Tensor& dy, const torch::Tensor& x, const ChannelAffineGradient& by,
                                      bool over_dy = false);

}  // namespace crossfade::model
