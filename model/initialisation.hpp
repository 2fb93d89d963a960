// First values of a net's parameters.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>

namespace crossfade::model {

/// Xavier uniform (Glorot & Bengio 2010) for every weight of four dimensions: U(−b, b), b = sqrt(6 / (fan_in +
/// fan_out)), fans counted as torch.nn.init does, also for transposed convolutions; zeros for every bias, ones for
/// other weights (of a normalisation). A pure function of `seed` and of the order of the parameters; the global
/// generator is not used.
void initialise(torch::nn::Module& network, std::uint64_t seed);

}  // namespace crossfade::model
