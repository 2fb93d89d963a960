// The two passes over pixels that all terms share, in two implementations with the same results up to rounding: fused
// loops for the CPU, and tensor operations for any device. Both are deterministic.
//
// Tensors are [n, H, W, C], contiguous (channels-last logits seen as pixels times classes); labels int64 [n, H, W] in
// [0, C) or kIgnored, contiguous; pixel weights [n, H, W], contiguous, of the logits' dtype.
#pragma once

#include <torch/types.h>

#include <vector>

#include "schedules/term.hpp"

namespace crossfade::schedules {

struct SoftmaxPass {
  torch::Tensor probabilities;  // undefined unless asked for
  LocalSums sums;
};

struct PassOptions {
  bool squared = false;             // LocalSums::mass is Σ p²
  bool keep_probabilities = false;  // 0 where ignored
  bool ignores = false;             // whether a label may be kIgnored
};

/// Softmax, and the sums of it that terms need. Sums are accumulated in float64.
SoftmaxPass softmax_pass_cpu(const torch::Tensor& logits, const torch::Tensor& labels,
                             const std::vector<torch::Tensor>& pixel_weights, const PassOptions& options);
SoftmaxPass softmax_pass_aten(const torch::Tensor& logits, const torch::Tensor& labels,
                              const std::vector<torch::Tensor>& pixel_weights, const PassOptions& options);

/// Replaces probabilities by dL/dz, in place: p_c·(d_c − Σ_k p_k·d_k) + ω·(p_c − g_c) with d = dL/dp as in
/// OverlapGradient. `overlap` [n, 3, C]; `nll` is ω [n, H, W], or undefined: no cross-entropy.
void gradient_pass_cpu(torch::Tensor& probabilities, const torch::Tensor& labels, const torch::Tensor& overlap,
                       const torch::Tensor& nll);
void gradient_pass_aten(torch::Tensor& probabilities, const torch::Tensor& labels, const torch::Tensor& overlap,
                        const torch::Tensor& nll);

}  // namespace crossfade::schedules
