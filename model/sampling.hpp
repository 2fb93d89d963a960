// What stands between the convolutions of a U-Net: ReLU, halving and doubling the resolution, joining two tensors. Each
// is one pass over the pixels for channels-last tensors on the CPU, and made of tensor operations for everything else.
#pragma once

#include <torch/types.h>

#include "model/activation.hpp"

namespace crossfade::model {

/// max(0, x), in x's memory. NaN stays NaN.
torch::Tensor rectify(const torch::Tensor& x);

/// The encoder's part of a tensor that the decoder joins with what comes up. Where the loops take it, that tensor is
/// allocated at once, and join_up() fills the rest: nothing is copied.
struct Skip {
  torch::Tensor memory;   // [n, ≥ channels, H, W]; what lies behind `channels` is not yet there
  std::int64_t channels;  // of the encoder
  torch::Tensor pixels() const { return memory.narrow(1, 0, channels); }
};

struct Pooled {
  Skip full;           // what was pooled
  torch::Tensor half;  // the largest of each 2 × 2 pixels
};

/// Pools x [n, C, H, W] with even H and W; with `rectify` max(0, x) is what is pooled. `room` is how many channels
/// join_up() will add. The gradient of `half` goes to the first of equal pixels. x must not be used afterwards.
Pooled pool(const torch::Tensor& x, bool rectify, std::int64_t room);

/// [skip, up] along the channels, where up is the transposed convolution of below [n, D, H, W] by `weight` [D, C, 2, 2]
/// and `bias` [C] with stride 2; skip [n, S, 2H, 2W], from pool() with C channels of room. Once for a skip. backward()
/// may write over what came up, and is refused a second time.
torch::Tensor join_up(const Skip& skip, const torch::Tensor& below, const torch::Tensor& weight,
                      const torch::Tensor& bias);

/// The 1 × 1 convolution of x [n, D, H, W], or with `rectify` of max(0, x), by `weight` [C, D, 1, 1] and `bias` [C].
/// x must not be used afterwards: its gradient may be written over it. What a normalisation gives is not rectified
/// here.
torch::Tensor convolve_pixels(const Activation& x, bool rectify, const torch::Tensor& weight,
                              const torch::Tensor& bias);

/// The channel in which each pixel of x [n, C, H, W] is largest, uint8 [n, H, W] on x's device; of equal ones the
/// first, and NaN counts as largest. At most 256 channels. No gradient.
torch::Tensor largest_channel(const torch::Tensor& x);

}  // namespace crossfade::model
