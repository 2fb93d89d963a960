#include "runner/evaluation/network_input.hpp"

#include <torch/utils.h>

namespace crossfade::runner {

void place_network(model::Network& network, torch::Device device, torch::ScalarType type) {
  const torch::NoGradGuard no_grad;
  network.to(device, type);
  for (torch::Tensor& parameter : network.parameters()) {
    if (parameter.dim() != 4) continue;
    // A copy, since contiguous() leaves the strides of a weight with one input channel, which say nothing to the
    // convolution about the order it should work in.
    parameter.set_data(torch::empty_like(parameter, torch::MemoryFormat::ChannelsLast).copy_(parameter));
  }
}

torch::Tensor image_view(const float* images, const std::array<std::int64_t, 4>& shape) {
  const auto [count, channels, height, width] = shape;
  const auto memory = const_cast<float*>(images);
  if (channels == 1) return torch::from_blob(memory, shape, {height * width, 1, width, 1}, torch::kFloat);
  return torch::from_blob(memory, shape, torch::kFloat);
}

torch::Tensor image_tensor(const float* images, const std::array<std::int64_t, 4>& shape, torch::Device device,
                           torch::ScalarType type) {
  return image_view(images, shape).to(device, type).contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace crossfade::runner
