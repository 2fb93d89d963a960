#include "data/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace crossfade::data {
namespace {

using Key = std::array<std::uint32_t, 2>;

PhiloxBlocks best_philox() {
  static const PhiloxBlocks best = philox_kernels().front()->blocks;
  return best;
}

Key key_of(std::uint64_t seed, Purpose purpose) {
  // The counter has room for the block number and three indices; the purpose goes into the key by one more block.
  const Key seed_words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  std::array<std::uint32_t, 4 * kPhiloxBlocks> mixed;
  best_philox()({static_cast<std::uint32_t>(purpose), 0, 0, 0}, seed_words, mixed);
  return {mixed[0], mixed[1]};
}

}  // namespace

Random::Random(std::uint64_t seed, Purpose purpose, std::uint32_t a, std::uint32_t b, std::uint32_t c)
    : key_(key_of(seed, purpose)), counter_{0, a, b, c} {}

void Random::next_words() {
  best_philox()(counter_, key_, words_);
  counter_[0] += kPhiloxBlocks;
  used_ = 0;
}

void Random::bits(std::span<std::uint32_t> words) {
  while (!words.empty()) {
    if (used_ == kWords) next_words();
    const std::size_t count = std::min(words.size(), kWords - used_);
    std::copy_n(words_.begin() + used_, count, words.begin());
    used_ += count;
    words = words.subspan(count);
  }
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
