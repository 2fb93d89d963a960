// Copies to the device that the host does not wait for and that run beside what the device computes.
#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

namespace crossfade::runner {

/// One thread.
class DeviceCopies {
 public:
  explicit DeviceCopies(torch::Device device);

  /// Copies of tensors of the host, which may change as soon as this returns, on the device; all that the stream which
  /// computes is given from then on finds them whole. On the CPU: the tensors themselves.
  std::vector<torch::Tensor> operator()(std::vector<torch::Tensor> tensors) const;

 private:
  torch::Device device_;
  std::optional<c10::Stream> stream_;  // beside the one that computes; none on the CPU
};

}  // namespace crossfade::runner
