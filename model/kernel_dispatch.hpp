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

/// A gradient in that format, and whether it may be written over: where it was copied, or nobody else holds it.
struct Incoming {
  torch::Tensor dy;
  bool own;
};
inline Incoming incoming(const torch::Tensor& gradient, torch::MemoryFormat format) {
  const bool copied = !gradient.is_contiguous(format);
  const bool own = copied || (gradient.use_count() == 1 && gradient.storage().use_count() == 1);
  return {gradient.contiguous(format), own};
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
