// The convolutions of the networks.
#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include "model/activation.hpp"

namespace crossfade::model {

/// Stride 1 and an odd kernel, padded so that the output has the size of the input: convolution->forward(x). On CPUs
/// with AVX2 and without AVX-512 the gradient of float32 weights of 16 input channels and more is computed here: oneDNN
/// takes two to three times as long for it as for the convolution itself.
torch::Tensor convolve(torch::nn::Conv2d& convolution, const Activation& x);

/// The gradients of weight [out, in, k, k] and bias [out] from x [n, in, H, W] and dy [n, out, H, W], both float32 and
/// channels-last on the CPU; the former is channels-last, too. The same with any number of threads.
struct WeightGradient {
  torch::Tensor weight, bias;
};
WeightGradient weight_gradient(const torch::Tensor& x, const torch::Tensor& dy, std::int64_t kernel);

}  // namespace crossfade::model
