// From tensors to the loops of channel_kernels.hpp.
#pragma once

#include <torch/types.h>

#include "model/channel_kernels.hpp"

namespace crossfade::model {

/// Whether the loops take it: a channels-last tensor on the CPU of a type that they know.
inline bool takes_kernels(const torch::Tensor& x) {
  const auto type = x.scalar_type();
  return x.is_cpu() && (type == torch::kFloat32 || type == torch::kFloat64 || type == torch::kBFloat16) &&
         x.is_contiguous(torch::MemoryFormat::ChannelsLast);
}

/// float64 for float64, else float32: what the loops compute in.
inline torch::ScalarType arithmetic_type(const torch::Tensor& x) {
  return x.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
}

/// Memory of a tensor as the loops see it.
template <class T>
T* memory(const torch::Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

/// Where the gradient of what `gradient` belongs to may be written: `gradient` itself if it lies in memory like that
/// and nobody else holds it, else memory that is not initialised.
inline torch::Tensor own_or_new(const torch::Tensor& gradient, torch::MemoryFormat format) {
  const bool own = gradient.is_contiguous(format) && gradient.use_count() == 1 && gradient.storage().use_count() == 1;
  return own ? gradient : torch::empty_like(gradient, gradient.options().memory_format(format));
}

/// Calls `body` with the kernels for the dtype that this machine runs best.
template <class Body>
void with_kernels(torch::ScalarType type, const Body& body) {
  const ChannelKernelSet& best = *channel_kernel_sets().front();
  if (type == torch::kFloat64) return body(best.of_double);
  if (type == torch::kBFloat16) return body(best.of_bfloat16);
  body(best.of_float);
}

}  // namespace crossfade::model
