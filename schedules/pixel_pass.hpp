// The two passes over pixels that all terms share, in two implementations with the same results up to rounding: fused
// loops for the CPU, and tensor operations for any device. Both are deterministic.
//
// Logits are [n, H, W, C], contiguous (channels-last logits seen as pixels times classes); labels [n, H, W] in [0, C)
// or kIgnored, contiguous, uint8 for the CPU's and int64 for the other; all else, such as pixel weights [n, H, W], is
// contiguous and of arithmetic_type(logits).
#pragma once

#include <torch/types.h>

#include <vector>

#include "schedules/term.hpp"

namespace crossfade::schedules {

/// float32 for bfloat16, else the logits' own dtype.
torch::ScalarType arithmetic_type(const torch::Tensor& logits);

struct SoftmaxPass {
  std::vector<torch::Tensor> kept;  // what the gradient pass needs beside the logits; empty unless asked for
  LocalSums sums;
};

struct PassOptions {
  bool squared = false;  // LocalSums::mass is Σ p²
  bool keep = false;     // for a gradient pass
  bool ignores = false;  // whether a label may be kIgnored
};

/// Softmax, and the sums of it that terms need. Sums are accumulated in float64.
SoftmaxPass softmax_pass_cpu(const torch::Tensor& logits, const torch::Tensor& labels,
                             const std::vector<torch::Tensor>& pixel_weights, const PassOptions& options);
SoftmaxPass softmax_pass_aten(const torch::Tensor& logits, const torch::Tensor& labels,
                              const std::vector<torch::Tensor>& pixel_weights, const PassOptions& options);

struct GradientParts {
  torch::Tensor logits;  // for the CPU's alone
  std::vector<torch::Tensor> kept;
  torch::Tensor labels;
  torch::Tensor overlap;  // [n, 3, C], dL/dp, rows as OverlapRow has them
  torch::Tensor nll;      // ω [n, H, W], or undefined: no cross-entropy
};

/// dL/dz [n, H, W, C]: p_c·(d_c − Σ_k p_k·d_k) + ω·(p_c − g_c) with d = dL/dp; 0 where ignored. The CPU's is of the
/// logits' dtype and takes their memory with `consume`; the other one is of arithmetic_type() and takes that of `kept`.
torch::Tensor gradient_pass_cpu(const GradientParts& parts, bool consume);
torch::Tensor gradient_pass_aten(const GradientParts& parts);

}  // namespace crossfade::schedules
