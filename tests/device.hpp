// Where the tests of losses, nets and training run: the CPU, or the device that CROSSFADE_TEST_DEVICE names ("cuda").
#pragma once

#include <torch/types.h>

#include <cstdlib>

namespace crossfade::tests {

inline torch::Device device() {
  const char* name = std::getenv("CROSSFADE_TEST_DEVICE");
  const torch::Device named(name ? name : "cpu");
  return named.is_cuda() && !named.has_index() ? torch::Device(torch::kCUDA, 0) : named;
}

}  // namespace crossfade::tests
