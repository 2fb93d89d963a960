// What stands between the convolutions of a U-Net: ReLU, halving and doubling the resolution, joining two tensors. Each
// is one pass over the pixels for channels-last tensors on the CPU, and made of tensor operations for everything else.
#pragma once

#include <torch/types.h>

namespace crossfade::model {

/// max(0, x), in x's memory. NaN stays NaN.
torch::Tensor rectify(const torch::Tensor& x);

struct Pooled {
  torch::Tensor full;  // what was pooled
  torch::Tensor half;  // the largest of each 2 × 2 pixels
};

/// Pools x [n, C, H, W] with even H and W; with `rectify` max(0, x), in x's memory, is what is pooled. The gradient of
/// `half` goes to the first of equal pixels.
Pooled pool(const torch::Tensor& x, bool rectify);

/// [skip, up] along the channels, where up is the transposed convolution of below [n, D, H, W] by `weight` [D, C, 2, 2]
/// and `bias` [C] with stride 2; skip [n, S, 2H, 2W].
torch::Tensor join_up(const torch::Tensor& skip, const torch::Tensor& below, const torch::Tensor& weight,
                      const torch::Tensor& bias);

/// The 1 × 1 convolution of x [n, D, H, W] by `weight` [C, D, 1, 1] and `bias` [C].
torch::Tensor convolve_pixels(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace crossfade::model
