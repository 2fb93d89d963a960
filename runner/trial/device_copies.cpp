#include "runner/trial/device_copies.hpp"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/types.h>

namespace crossfade::runner {

using c10::impl::VirtualGuardImpl;  // streams of any device, without the headers of CUDA

DeviceCopies::DeviceCopies(torch::Device device) : device_(device) {
  if (!device.is_cpu()) stream_ = VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
}

std::vector<torch::Tensor> DeviceCopies::operator()(std::vector<torch::Tensor> tensors) const {
  if (!stream_) return tensors;
  const c10::Stream computing = VirtualGuardImpl(device_.type()).getStream(device_);
  for (torch::Tensor& tensor : tensors) {
    // Neither block of memory is given to anyone else before the copy is done: PyTorch's allocator of pinned memory
    // waits for the copies out of a block, that of the device for the streams which record_stream() names.
    const torch::Tensor pinned =
        torch::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().pinned_memory(true)).copy_(tensor);
    {
      const c10::StreamGuard beside(*stream_);
      tensor = pinned.to(device_, /*non_blocking=*/true);
    }
    tensor.record_stream(computing);
  }
  c10::Event copied(device_.type());
  copied.record(*stream_);
  copied.block(computing);
  return tensors;
}

}  // namespace crossfade::runner
