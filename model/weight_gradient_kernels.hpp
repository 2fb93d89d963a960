// The gradient of a convolution's weights, over plain memory that is channels-last. Compiled for several instruction
// sets.
#pragma once

#include <cstdint>
#include <vector>

namespace crossfade::model {

/// Stride 1, and padded so that the output has the size of the input: `kernel` is odd.
struct ConvolutionSize {
  std::int64_t height, width, in, out, kernel;
};

struct WeightGradientKernels {
  /// Of one image x [height, width, in] with dy [height, width, out], for the output channels from `first` to before
  /// `last`, at most kOutputGroup: adds to dw [out, kernel, kernel, in] and to db [out]. `scratch` has
  /// weight_gradient_scratch() floats.
  void (*add)(const float* x, const float* dy, const ConvolutionSize& size, std::int64_t first, std::int64_t last,
              float* scratch, float* dw, float* db);
};

inline constexpr std::int64_t kOutputGroup = 16;

/// Rows of an image that are worked on together: so many that their channels stay in the cache.
[[gnu::always_inline]] inline std::int64_t rows_together(const ConvolutionSize& size) {
  constexpr std::int64_t kPixels = 512;
  const std::int64_t rows = size.width < kPixels ? kPixels / size.width : 1;
  return rows < size.height ? rows : size.height;
}

[[gnu::always_inline]] inline std::int64_t weight_gradient_scratch(const ConvolutionSize& size) {
  constexpr std::int64_t kMostChannels = 32;  // of two vectors of AVX-512
  const std::int64_t rows = rows_together(size), border = size.kernel - 1;
  return (rows + border) * (size.width + border) * kMostChannels + rows * size.width * kOutputGroup;
}

/// All that this machine can run, the best first.
const std::vector<const WeightGradientKernels*>& weight_gradient_kernel_sets();

}  // namespace crossfade::model
