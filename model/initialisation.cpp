#include "model/initialisation.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

namespace crossfade::model {

void initialise(torch::nn::Module& network, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  for (const auto& item : network.named_parameters()) {
    torch::Tensor parameter = item.value();
    if (parameter.dim() == 4) {
      const std::int64_t window = parameter.size(2) * parameter.size(3);
      const auto fans = static_cast<double>((parameter.size(0) + parameter.size(1)) * window);
      const double bound = std::sqrt(6.0 / fans);
      parameter.uniform_(-bound, bound, generator);
    } else {
      parameter.fill_(item.key().ends_with("bias") ? 0.0 : 1.0);
    }
  }
}

}  // namespace crossfade::model
