#include "data/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace crossfade::data {
namespace {

using Counter = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

Key key_of(std::uint64_t seed, Purpose purpose) {
  // The counter has room for the block number and three indices; the purpose goes into the key by one more block.
  const Key seed_words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  const Counter mixed = philox4x32({static_cast<std::uint32_t>(purpose), 0, 0, 0}, seed_words);
  return {mixed[0], mixed[1]};
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

Random::Random(std::uint64_t seed, Purpose purpose, std::uint32_t a, std::uint32_t b, std::uint32_t c)
    : key_(key_of(seed, purpose)), counter_{0, a, b, c} {}

void Random::next_words() {
  for (std::size_t n = 0; n < kWords; n += 4, ++counter_[0])
    std::ranges::copy(philox4x32(counter_, key_), words_.begin() + static_cast<std::ptrdiff_t>(n));
  used_ = 0;
}

std::uint64_t Random::bits64() {
  const std::uint64_t high = bits();
  return high << 32 | bits();
}

double Random::uniform() {
  return static_cast<double>(bits64() >> 11) * 0x1p-53;
}

double Random::uniform(double low, double high) {
  const double value = low + (high - low) * uniform();
  return value < high ? value : low;  // rounding may reach `high`
}

double Random::normal() {
  // 1 - uniform() lies in (0, 1], so the logarithm is finite.
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

std::uint64_t Random::below(std::uint64_t count) {
  // The lowest 2^64 mod count words would make some results likelier than others: draw again.
  const std::uint64_t unfair = (0 - count) % count;
  std::uint64_t word = bits64();
  while (word < unfair) {
    word = bits64();
  }
  return word % count;
}

}  // namespace crossfade::data
