#include "data/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace crossfade::data {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Random123's own answers (kat_vectors), by each instruction set that this machine can run.
TEST(Random, PhiloxGivesTheKnownAnswersOfRandom123) {
  constexpr std::uint32_t kOnes = 0xffffffff;
  for (const PhiloxKernel* kernel : philox_kernels()) {
    const auto block = [&](std::size_t n, const Words& counter, const std::array<std::uint32_t, 2>& key) {
      std::array<std::uint32_t, 4 * kPhiloxBlocks> words;
      kernel->blocks(counter, key, words);
      return Words{words[4 * n], words[4 * n + 1], words[4 * n + 2], words[4 * n + 3]};
    };
    EXPECT_EQ(block(0, {0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(block(0, {kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(block(0, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
    for (std::size_t n = 0; n < kPhiloxBlocks; ++n)  // the counter's first word counts on, round its end as well
      EXPECT_EQ(block(n, {kOnes - 2, 5, 6, 7}, {8, 9}),
                block(0, {kOnes - 2 + static_cast<std::uint32_t>(n), 5, 6, 7}, {8, 9}));
  }
}

TEST(Random, EveryPartOfTheKeyChangesTheStreamAndNothingElseDoes) {
  const auto first = [](Random random) { return random.bits64(); };
  const std::set<std::uint64_t> streams{
      first(Random(1, Purpose::kSplit)),          first(Random(2, Purpose::kSplit)),
      first(Random(1ULL << 32, Purpose::kSplit)), first(Random(1, Purpose::kSubject)),
      first(Random(1, Purpose::kSplit, 1)),       first(Random(1, Purpose::kSplit, 0, 1)),
      first(Random(1, Purpose::kSplit, 0, 0, 1))};
  EXPECT_EQ(streams.size(), 7U);
  EXPECT_EQ(first(Random(7, Purpose::kAugmentation, 1, 2, 3)), first(Random(7, Purpose::kAugmentation, 1, 2, 3)));
}

TEST(Random, CopiesContinueIndependently) {
  Random original(3, Purpose::kSynthesis);
  original.bits();
  Random copy = original;
  std::vector<std::uint32_t> from_original, from_copy;
  for (int n = 0; n < 9; ++n) {
    from_original.push_back(original.bits());
  }
  for (int n = 0; n < 9; ++n) {
    from_copy.push_back(copy.bits());
  }
  EXPECT_EQ(from_original, from_copy);
}

TEST(Random, WordsTogetherAreThoseOneByOne) {
  Random together(3, Purpose::kSynthesis), single = together;
  for (const std::size_t count : {1UL, 0UL, 4 * kPhiloxBlocks - 1, 4 * kPhiloxBlocks, 7UL, 12 * kPhiloxBlocks + 5}) {
    std::vector<std::uint32_t> words(count), expected;
    together.bits(words);
    for (std::size_t n = 0; n < count; ++n) expected.push_back(single.bits());
    EXPECT_EQ(words, expected);
    EXPECT_EQ(together.bits(), single.bits());
  }
}

TEST(Random, MomentsAreThoseOfTheirDistributions) {
  Random random(5, Purpose::kSynthesis);
  constexpr int kDraws = 200000;
  double uniform = 0, uniform2 = 0, normal = 0, normal2 = 0, normal4 = 0;
  for (int n = 0; n < kDraws; ++n) {
    const double u = random.uniform(), z = random.normal();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    uniform += u;
    uniform2 += u * u;
    normal += z;
    normal2 += z * z;
    normal4 += z * z * z * z;
  }
  // Five standard errors: sqrt(variance of the summand / draws).
  const auto tolerance = [](double variance) { return 5 * std::sqrt(variance / kDraws); };
  EXPECT_NEAR(uniform / kDraws, 0.5, tolerance(1.0 / 12));
  EXPECT_NEAR(uniform2 / kDraws, 1.0 / 3, tolerance(4.0 / 45));
  EXPECT_NEAR(normal / kDraws, 0, tolerance(1));
  EXPECT_NEAR(normal2 / kDraws, 1, tolerance(2));
  EXPECT_NEAR(normal4 / kDraws, 3, tolerance(96));
}

TEST(Random, BelowIsUniform) {
  Random random(6, Purpose::kPermutation);
  constexpr int kDraws = 60000;
  std::array<int, 6> counts{};
  for (int n = 0; n < kDraws; ++n) {
    ++counts.at(random.below(6));
  }
  double chi2 = 0;
  for (const int count : counts) {
    chi2 += std::pow(count - kDraws / 6.0, 2) / (kDraws / 6.0);
  }
  EXPECT_LT(chi2, 25.7);  // 5 degrees of freedom, p = 1e-4
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, UniformStaysBelowItsUpperEnd) {
  Random random(6, Purpose::kPermutation);
  const double low = 1, high = std::nextafter(1.0, 2.0);  // half of the draws would round to `high`
  for (int n = 0; n < 100; ++n) {
    ASSERT_EQ(random.uniform(low, high), low);
  }
}

}  // namespace
}  // namespace crossfade::data
