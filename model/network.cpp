#include "model/network.hpp"

#include <torch/types.h>

#include <array>
#include <sstream>
#include <stdexcept>

#include "model/autocast.hpp"
#include "model/initialisation.hpp"
#include "model/quicknat.hpp"
#include "model/unet.hpp"

namespace crossfade::model {
namespace {

struct Architecture {
  const char* name;
  std::shared_ptr<Network> (*make)(const ModelOptions& options, int in_channels, int classes);
};

template <class T>
std::shared_ptr<Network> make(const ModelOptions& options, int in_channels, int classes) {
  return std::make_shared<T>(options, in_channels, classes);
}

// To add a model: its source file, its test, a line here, and its name among the choices of describe().
constexpr std::array kArchitectures = {
    Architecture{"unet", make<UNet>},
    Architecture{"quicknat", make<QuickNat>},
};

}  // namespace

torch::Tensor Network::forward(const torch::Tensor& images) {
  const Autocast autocast(precision_, images.device().type());
  return compute(images);
}

torch::Tensor Network::first_input(const torch::Tensor& images) const {
  // A tensor of one channel counts as both layouts, and convolution then picks the slow one: a copy settles it.
  const auto type = precision_ == Precision::kBf16 ? torch::kBFloat16 : images.scalar_type();
  return torch::empty(images.sizes(), images.options().dtype(type).memory_format(torch::MemoryFormat::ChannelsLast))
      .copy_(images);
}

void Network::check_images(const char* who, const torch::Tensor& images, int in_channels) const {
  if (images.dim() == 4 && images.size(1) == in_channels && images.size(2) > 0 && images.size(3) > 0 &&
      images.size(2) % divisor() == 0 && images.size(3) % divisor() == 0)
    return;
  std::ostringstream wrong;
  wrong << who << ": images must be [n, " << in_channels << ", H, W] with H and W divisible by " << divisor()
        << " (one factor of 2 for each pooling), got " << images.sizes();
  throw std::invalid_argument(wrong.str());
}

std::shared_ptr<Network> make_network(const ModelOptions& options, int in_channels, int classes, std::uint64_t seed) {
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    if (options.name == architecture.name) {
      // Torch's modules draw from the global generator as they are made: put it back as it was.
      at::Generator global = at::globalContext().defaultGenerator(torch::kCPU);
      const torch::Tensor state = global.get_state();
      const std::shared_ptr<Network> network = architecture.make(options, in_channels, classes);
      global.set_state(state);
      initialise(*network, seed);
      return network;
    }
    known += (known.empty() ? "" : ", ") + std::string(architecture.name);
  }
  throw std::invalid_argument("model: unknown name '" + options.name + "'; known: " + known);
}

std::int64_t parameter_count(const Network& network) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : network.parameters()) count += parameter.numel();
  return count;
}

}  // namespace crossfade::model
