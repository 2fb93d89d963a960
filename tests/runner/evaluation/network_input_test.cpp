#include "runner/evaluation/network_input.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

namespace crossfade::runner {
namespace {

// DistributedDataParallel copies gradients that do not lie as its buckets do, and warns of them on the terminal.
TEST(NetworkInput, GradientsLieInMemoryAsTheirParametersDo) {
  for (const std::string name : {"unet", "quicknat"}) {
    const auto network = model::make_network({.name = name, .width = 8}, 1, 3, 1);
    place_network(*network, torch::kCPU);
    const std::vector<float> pixels(2 * 16 * 16, 1);
    network->forward(image_tensor(pixels.data(), {2, 1, 16, 16}, torch::kCPU, torch::kFloat)).sum().backward();
    for (const auto& item : network->named_parameters())
      EXPECT_EQ(item.value().grad().strides(), item.value().strides()) << name << ' ' << item.key();
  }
}

}  // namespace
}  // namespace crossfade::runner
