// The convolutions of the networks.
#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include "model/activation.hpp"

namespace crossfade::model {

/// Whether this is a CPU with AVX2 and without AVX-512, on which oneDNN takes two to three times as long for the
/// gradient of a convolution's weights as for the convolution itself.
bool prefers_own_weight_gradient();

/// Stride 1 and an odd kernel, padded so that the output has the size of the input: convolution->forward(x).
/// `own_gradient`: that of float32 weights of 16 input channels and more, on CPUs, is computed here.
torch::Tensor convolve(torch::nn::Conv2d& convolution, const Activation& x,
                       bool own_gradient = prefers_own_weight_gradient());

/// The gradients of weight [out, in, k, k] and bias [out] from x [n, in, H, W] and dy [n, out, H, W], both float32 and
/// channels-last on the CPU; the former is channels-last, too. The same with any number of threads.
struct WeightGradient {
  torch::Tensor weight, bias;
};
WeightGradient weight_gradient(const torch::Tensor& x, const torch::Tensor& dy, std::int64_t kernel);

}  // namespace crossfade::model
