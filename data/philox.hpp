// Blocks of Philox 4x32-10 in vectors, compiled for several instruction sets of which the machine's best is taken.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace crossfade::data {

inline constexpr std::size_t kPhiloxBlocks = 16;

/// Neighbouring blocks, the first of them at `counter`, whose first word counts on.
using PhiloxBlocks = void (*)(const std::array<std::uint32_t, 4>& counter, const std::array<std::uint32_t, 2>& key,
                              std::array<std::uint32_t, 4 * kPhiloxBlocks>& words);

struct PhiloxKernel {
  PhiloxBlocks blocks;
};

/// All that this machine can run, the best first; they give the same words.
const std::vector<const PhiloxKernel*>& philox_kernels();

}  // namespace crossfade::data
