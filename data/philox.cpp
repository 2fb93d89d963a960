// Compiled once for each instruction set, as CROSSFADE_KERNELS (see CMakeLists.txt).
#include "data/philox.hpp"

namespace crossfade::data {
namespace {

void blocks(const std::array<std::uint32_t, 4>& counter, const std::array<std::uint32_t, 2>& key,
            std::array<std::uint32_t, 4 * kPhiloxBlocks>& words) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  // Plain arrays with the blocks side by side, of which compilers make vectors.
  std::uint32_t first[kPhiloxBlocks], second[kPhiloxBlocks], third[kPhiloxBlocks], fourth[kPhiloxBlocks];
  for (std::size_t b = 0; b < kPhiloxBlocks; ++b) {
    first[b] = counter[0] + static_cast<std::uint32_t>(b);
    second[b] = counter[1];
    third[b] = counter[2];
    fourth[b] = counter[3];
  }
  std::uint32_t key0 = key[0], key1 = key[1];
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 1  // GCC 12 makes no vectors of a loop that it has unrolled
    for (std::size_t b = 0; b < kPhiloxBlocks; ++b) {
      const std::uint64_t product0 = kMultiplier0 * first[b], product1 = kMultiplier1 * third[b];
      first[b] = static_cast<std::uint32_t>(product1 >> 32) ^ second[b] ^ key0;
      second[b] = static_cast<std::uint32_t>(product1);
      third[b] = static_cast<std::uint32_t>(product0 >> 32) ^ fourth[b] ^ key1;
      fourth[b] = static_cast<std::uint32_t>(product0);
    }
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  for (std::size_t b = 0; b < kPhiloxBlocks; ++b) {
    words[4 * b] = first[b];
    words[4 * b + 1] = second[b];
    words[4 * b + 2] = third[b];
    words[4 * b + 3] = fourth[b];
  }
}

}  // namespace

extern const PhiloxKernel CROSSFADE_KERNELS;
constinit const PhiloxKernel CROSSFADE_KERNELS = {blocks};

}  // namespace crossfade::data
