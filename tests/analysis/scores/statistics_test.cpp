#include "analysis/scores/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using data::Purpose;
using data::Random;
using nlohmann::json;
using Numbers = std::vector<double>;

const double kNotANumber = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

/// What scipy_statistics.py answers; null if it failed.
json reference(const json& input) {
  TemporaryFolder folder;
  std::ofstream(folder / "input.json") << input;
  const Said said = run({CROSSFADE_PYTHON, CROSSFADE_TESTS "/scipy_statistics.py", (folder / "input.json").string()});
  return said.status == 0 ? json::parse(said.output) : json();
}

TEST(SignedRank, OfCasesWorkedByHand) {
  // All three positive: W+ = 1 + 2 + 3, 1 of the 8 signs reaches it, p = 2/8.
  const SignedRank positive = wilcoxon_signed_rank(Numbers{0.3, 0.1, 0.2});
  EXPECT_EQ(positive.n, 3);
  EXPECT_EQ(positive.statistic, 6);
  EXPECT_EQ(positive.p, 0.25);

  // The same turned round: W+ = 0.
  const SignedRank negative = wilcoxon_signed_rank(Numbers{-0.3, -0.1, -0.2});
  EXPECT_EQ(negative.statistic, 0);
  EXPECT_EQ(negative.p, 0.25);

  // Ranks 1 and 2, W+ = 2 of {0, 1, 2, 3}: P(W+ >= 2) = 2/4, p = 1.
  EXPECT_EQ(wilcoxon_signed_rank(Numbers{-1, 5}).p, 1);

  // W+ = 3 = half of 1 + 2 + 3; sums are 0 1 2 3 3 4 5 6, so both tails are 5/8, and p is 1, not 10/8.
  EXPECT_EQ(wilcoxon_signed_rank(Numbers{1, 2, -3}).p, 1);
}

TEST(SignedRank, SharesRanksAmongTiesAndDropsZeros) {
  // |d| = 1 1 1 2, ranks 2 2 2 4, W+ = 2 + 2 + 4 = 8. Sums of 8 or more: {2,2,4} three times and all four, 4 of the 16
  // signs, p = 2 * 4/16. Ranks 1 2 3 4 would give 9 and, with {2,3,4} and all, 2 * 2/16.
  const SignedRank tied = wilcoxon_signed_rank(Numbers{1, 0, -1, 1, -0.0, 2});
  EXPECT_EQ(tied.n, 4);
  EXPECT_EQ(tied.statistic, 8);
  EXPECT_EQ(tied.p, 0.5);

  // |d| = 1 1, ranks 1.5 1.5, W+ = 1.5; sums 0 1.5 1.5 3: a statistic that is no integer.
  const SignedRank half = wilcoxon_signed_rank(Numbers{-1, 1});
  EXPECT_EQ(half.statistic, 1.5);
  EXPECT_EQ(half.p, 1);
}

TEST(SignedRank, HasNoPWithoutADifference) {
  for (const Numbers& differences : {Numbers{}, Numbers{0, 0, 0}}) {
    const SignedRank none = wilcoxon_signed_rank(differences);
    EXPECT_EQ(none.n, 0);
    EXPECT_EQ(none.statistic, 0);
    EXPECT_TRUE(std::isnan(none.p));
  }
}

/// By definition: ranks by counting, then every one of the 2^n signs.
SignedRank by_enumeration(const Numbers& differences) {
  Numbers ranks;
  SignedRank result;
  for (const double d : differences) {
    if (d == 0) continue;
    double smaller = 0, equal = 0;
    for (const double other : differences) {
      smaller += other != 0 && std::abs(other) < std::abs(d);
      equal += std::abs(other) == std::abs(d);
    }
    ranks.push_back(smaller + (equal + 1) / 2);
    if (d > 0) result.statistic += ranks.back();
  }
  result.n = static_cast<int>(ranks.size());
  const std::uint32_t all = 1U << ranks.size();
  int at_most = 0, at_least = 0;
  for (std::uint32_t signs = 0; signs < all; ++signs) {
    double sum = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i) sum += (signs >> i & 1) != 0 ? ranks[i] : 0;
    at_most += sum <= result.statistic;
    at_least += sum >= result.statistic;
  }
  result.p = std::min(1.0, 2.0 * std::min(at_most, at_least) / all);
  return result;
}

/// n whole numbers from -spread + shift to spread + shift: ties and zeros where n is not small against the spread.
Numbers whole_numbers(Random& random, std::size_t n, int spread, int shift) {
  Numbers values(n);
  for (double& v : values)
    v = static_cast<double>(random.below(static_cast<std::uint64_t>(2 * spread + 1))) - spread + shift;
  return values;
}

TEST(SignedRank, EqualsEnumerationOfAllSigns) {
  Random random(1, Purpose::kSplit);
  int tested = 0;
  for (std::size_t n = 1; n <= 12; ++n)
    for (const int spread : {1, 4, 1000})
      for (const int shift : {0, spread / 2, -spread}) {
        const Numbers differences = whole_numbers(random, n, spread, shift);
        const SignedRank expected = by_enumeration(differences), result = wilcoxon_signed_rank(differences);
        ASSERT_EQ(result.n, expected.n);
        if (expected.n == 0) continue;
        ++tested;
        ASSERT_EQ(result.statistic, expected.statistic) << json(differences);
        ASSERT_EQ(result.p, expected.p) << json(differences);  // multiples of 2^-12: no rounding
      }
  EXPECT_GT(tested, 90);  // of 108
}

TEST(SignedRank, AgreesWithScipy) {
  Random random(2, Purpose::kSplit);
  std::vector<Numbers> distinct, tied;
  for (const int n : {5, 10, 22, 50, 200}) {
    distinct.emplace_back();
    for (int i = 0; i < n; ++i) distinct.back().push_back(random.normal() + 0.3);
  }
  for (const int shift : {0, 1, -2}) tied.push_back(whole_numbers(random, 12, 3, shift));
  const json expected = reference({{"wilcoxon", distinct}, {"wilcoxon_with_ties", tied}});
  ASSERT_TRUE(expected.is_object());
  for (const auto& [key, samples] : {std::pair{"wilcoxon", distinct}, std::pair{"wilcoxon_with_ties", tied}})
    for (std::size_t i = 0; i < samples.size(); ++i) {
      SCOPED_TRACE(key + std::string(" ") + std::to_string(i));
      const SignedRank result = wilcoxon_signed_rank(samples[i]);
      EXPECT_EQ(result.statistic, expected[key][i][0].get<double>());
      // Some 200 additions on both sides; where W+ is large, SciPy takes its p from 1 minus the other tail.
      const double p = expected[key][i][1];
      EXPECT_NEAR(result.p, p, 1e-12 * p + 1e-15);
    }
}

TEST(SignedRank, StaysFiniteWhere2ToTheNOverflows) {
  // All positive but the least: 2 of the 2^n signs give as much, p = 2 * 2 / 2^n.
  Numbers differences(1030);
  std::iota(differences.begin(), differences.end(), 1.0);
  differences[0] = -1;
  const SignedRank result = wilcoxon_signed_rank(differences);
  EXPECT_EQ(result.p, std::ldexp(4.0, -1030));
}

TEST(SignedRank, RefusesWhatIsNotFinite) {
  EXPECT_NE(error_of([] { wilcoxon_signed_rank(Numbers{1, kNotANumber}); }).find("at place 1"), std::string::npos);
  EXPECT_THROW(wilcoxon_signed_rank(Numbers{-kInfinity}), std::invalid_argument);
}

TEST(SmallestP, IsThatOfDifferencesOfOneSignTiedOrNot) {
  EXPECT_EQ(smallest_p(0), 1);
  EXPECT_EQ(smallest_p(1), 1);
  EXPECT_EQ(smallest_p(3), 0.25);
  EXPECT_EQ(smallest_p(5), 0.0625);
  for (int n = 1; n <= 60; ++n) {
    Numbers rising(static_cast<std::size_t>(n));
    std::iota(rising.begin(), rising.end(), 1.0);
    ASSERT_EQ(wilcoxon_signed_rank(rising).p, smallest_p(n));
    ASSERT_EQ(wilcoxon_signed_rank(Numbers(rising.size(), -1.0)).p, smallest_p(n));
  }
  EXPECT_THROW(smallest_p(-1), std::invalid_argument);
}

TEST(Holm, OfACaseWorkedByHand) {
  // In order 1/64, 1/32, 3/128, 1/2 -> times 4, 3, 2, 1: 4/64, 3 * 3/128 = 9/128, 2/32 = 8/128 (raised to 9/128), 1/2.
  EXPECT_EQ(holm_adjusted(Numbers{1.0 / 32, 1.0 / 64, 0.5, 3.0 / 128}), (Numbers{9.0 / 128, 4.0 / 64, 0.5, 9.0 / 128}));
  EXPECT_EQ(holm_adjusted(Numbers{0.75, 0.625}), (Numbers{1, 1}));  // 2 * 0.625 is above 1
  EXPECT_EQ(holm_adjusted(Numbers{}), Numbers{});
}

TEST(Holm, LeavesOutWhatIsNotANumber) {
  const Numbers adjusted = holm_adjusted(Numbers{kNotANumber, 0.25, kNotANumber, 0.125});
  EXPECT_TRUE(std::isnan(adjusted[0]));
  EXPECT_TRUE(std::isnan(adjusted[2]));
  EXPECT_EQ(adjusted[3], 0.25);  // a family of 2
  EXPECT_EQ(adjusted[1], 0.25);
}

TEST(Holm, EqualsClosedTestingByBonferroni) {
  Random random(3, Purpose::kSplit);
  std::vector<Numbers> families;
  for (std::size_t m = 1; m <= 8; ++m)
    for (const double largest : {0.05, 0.3, 1.0}) {
      families.emplace_back();
      for (std::size_t i = 0; i < m; ++i) families.back().push_back(random.uniform(0, largest));
      families.back().back() = families.back().front();  // a tie
    }
  const json expected = reference({{"holm", families}});
  ASSERT_TRUE(expected.is_object());
  for (std::size_t f = 0; f < families.size(); ++f)
    EXPECT_EQ(holm_adjusted(families[f]), expected["holm"][f].get<Numbers>()) << f;  // one product on both sides
}

TEST(Holm, RefusesWhatIsNoProbability) {
  EXPECT_NE(error_of([] { holm_adjusted(Numbers{0.5, 1.5}); }).find("at place 1"), std::string::npos);
  EXPECT_THROW(holm_adjusted(Numbers{-0.1}), std::invalid_argument);
}

TEST(BootstrapMean, AgreesWithScipy) {
  // Skewed, so that other methods (basic, BCa, normal) lie some 0.15 standard errors or more beside this one.
  Random random(4, Purpose::kSplit);
  Numbers differences(30);
  for (double& d : differences) d = -std::log(1 - random.uniform()) - 0.5;
  const int resamples = 100'000;
  const std::vector<double> confidences = {0.95, 0.8};
  json cases;
  for (const double c : confidences)
    cases.push_back({{"differences", differences}, {"confidence", c}, {"resamples", resamples}});
  const json expected = reference({{"bootstrap", cases}});
  ASSERT_TRUE(expected.is_object());
  for (std::size_t i = 0; i < confidences.size(); ++i) {
    SCOPED_TRACE(confidences[i]);
    const Interval interval = bootstrap_mean(differences, Random(5, Purpose::kSplit), confidences[i], resamples);
    // The standard error of a quantile at q of R means of standard error s is about sqrt(q (1 - q) / R) / f(z_q) * s, f
    // the normal density: 0.0085 s for q = 0.025 and R = 100,000, 0.0054 s for 0.1. Five times that of a difference of
    // two such, 5 * sqrt(2) * 0.0085 s.
    const Numbers scipy = expected["bootstrap"][i];
    const double tolerance = 0.06 * scipy[2];
    EXPECT_NEAR(interval.low, scipy[0], tolerance);
    EXPECT_NEAR(interval.high, scipy[1], tolerance);
  }
}

TEST(BootstrapMean, HasNumpysQuantilesOfTheResamplesDocumented) {
  const Numbers differences = {0.5, -0.25, 1.75, 0.125, 3, -1};
  const std::vector<int> sizes = {1, 2, 7, 1000};
  json cases;
  for (const int resamples : sizes) {
    Random random(6, Purpose::kSplit);
    Numbers means(static_cast<std::size_t>(resamples));
    for (double& mean : means) {
      for (std::size_t i = 0; i < differences.size(); ++i) mean += differences[random.below(differences.size())];
      mean /= static_cast<double>(differences.size());
    }
    cases.push_back({{"values", means}, {"at", {0.05, 0.95}}});
  }
  const json expected = reference({{"quantiles", cases}});
  ASSERT_TRUE(expected.is_object());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    SCOPED_TRACE(sizes[i]);
    const Interval interval = bootstrap_mean(differences, Random(6, Purpose::kSplit), 0.9, sizes[i]);
    const Numbers numpy = expected["quantiles"][i];
    // (1 - 0.9) / 2 is not 0.05 to the last bit; means are below 3.
    EXPECT_NEAR(interval.low, numpy[0], 1e-12);
    EXPECT_NEAR(interval.high, numpy[1], 1e-12);
  }
}

TEST(BootstrapMean, IsAFunctionOfItsArguments) {
  const Numbers differences = {0.5, -0.25, 1.75, 0.125, 3, -1};
  const Interval one = bootstrap_mean(differences, Random(7, Purpose::kSplit));
  const Interval same = bootstrap_mean(differences, Random(7, Purpose::kSplit), 0.95, 10'000);
  const Interval other = bootstrap_mean(differences, Random(8, Purpose::kSplit));
  EXPECT_EQ(one.low, same.low);
  EXPECT_EQ(one.high, same.high);
  EXPECT_TRUE(one.low != other.low || one.high != other.high);
}

TEST(BootstrapMean, OfEqualDifferencesIsAPoint) {
  const Interval interval = bootstrap_mean(Numbers{0.25, 0.25, 0.25}, Random(9, Purpose::kSplit));
  EXPECT_EQ(interval.low, 0.25);
  EXPECT_EQ(interval.high, 0.25);
}

TEST(BootstrapMean, NeedsTwoDifferences) {
  for (const Numbers& differences : {Numbers{}, Numbers{1}}) {
    const Interval interval = bootstrap_mean(differences, Random(10, Purpose::kSplit));
    EXPECT_TRUE(std::isnan(interval.low));
    EXPECT_TRUE(std::isnan(interval.high));
  }
}

TEST(BootstrapMean, RefusesSenselessArguments) {
  const Random random(11, Purpose::kSplit);
  const Numbers differences = {1, 2};
  EXPECT_THROW(bootstrap_mean(Numbers{1, kNotANumber}, random), std::invalid_argument);
  EXPECT_THROW(bootstrap_mean(differences, random, 0), std::invalid_argument);
  EXPECT_THROW(bootstrap_mean(differences, random, 1), std::invalid_argument);
  EXPECT_THROW(bootstrap_mean(differences, random, kNotANumber), std::invalid_argument);
  EXPECT_THROW(bootstrap_mean(differences, random, 0.95, 0), std::invalid_argument);
}

// By hand: with one degree of freedom t is tan(0.95 pi/2) = 12.7062, with two 0.95 sqrt(2 / (1 - 0.95^2)) = 4.30265;
// the standard error of {0, 2} is 1, of {0, 1, 2} 1/sqrt(3).
TEST(StudentMean, OfCasesWorkedByHand) {
  const Interval two = student_mean(Numbers{0, 2});
  EXPECT_NEAR(two.low, 1 - 12.7062047, 1e-6);
  EXPECT_NEAR(two.high, 1 + 12.7062047, 1e-6);
  const Interval three = student_mean(Numbers{0, 1, 2});
  EXPECT_NEAR(three.high, 1 + 4.30265273 / std::sqrt(3), 1e-6);
}

TEST(StudentMean, AgreesWithScipy) {
  json cases = json::array();
  for (const std::size_t n : {2, 3, 4, 5, 6, 7, 10, 11, 30, 201}) {
    Numbers values;
    data::Random random(n, Purpose::kSplit);
    for (std::size_t i = 0; i < n; ++i) values.push_back(0.01 + 0.02 * random.normal());
    for (const double confidence : {0.5, 0.95, 0.999})
      cases.push_back({{"values", values}, {"confidence", confidence}});
  }
  const json expected = reference({{"student", cases}});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Interval interval = student_mean(Numbers(cases[i]["values"]), cases[i]["confidence"].get<double>());
    const Numbers scipy = expected["student"][i];
    const double scale = scipy[1] - scipy[0];  // tan near pi/2 loses digits of the largest quantile, 637
    EXPECT_NEAR(interval.low, scipy[0], 1e-10 * scale) << cases[i];
    EXPECT_NEAR(interval.high, scipy[1], 1e-10 * scale) << cases[i];
  }
}

TEST(StudentMean, NeedsTwoValuesThatAreNumbers) {
  EXPECT_TRUE(std::isnan(student_mean(Numbers{}).low));
  EXPECT_TRUE(std::isnan(student_mean(Numbers{1}).high));
  EXPECT_EQ(student_mean(Numbers{0.5, 0.5}).low, 0.5);
  EXPECT_THROW(student_mean(Numbers{1, kInfinity}), std::invalid_argument);
  EXPECT_THROW(student_mean(Numbers{1, 2}, 1), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::analysis
