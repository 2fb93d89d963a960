// Passes over the pixels of [n, C, H, W] channel by channel, as batch normalisation needs them: fused loops for
// channels-last tensors on the CPU, tensor operations for everything else. Both are deterministic, whatever the number
// of threads; sums are float64.
#pragma once

#include <torch/types.h>

namespace crossfade::model {

/// Σ a and Σ a·b over all pixels: float64 [2, C] on the device of `a`. `a` and `b` are alike in shape and dtype.
torch::Tensor channel_sums(const torch::Tensor& a, const torch::Tensor& b);

/// a·scale + b·other + shift with one float64 [C] each; `b` may be undefined (and `other` with it). Dtype and memory
/// format of `a`.
torch::Tensor channel_affine(const torch::Tensor& a, const torch::Tensor& scale, const torch::Tensor& b,
                             const torch::Tensor& other, const torch::Tensor& shift);

}  // namespace crossfade::model
