#include "analysis/scores/comparison.hpp"

#include <cmath>
#include <limits>

#include "data/hash.hpp"

namespace crossfade::analysis {
namespace {

constexpr std::uint64_t kBootstrapSeed = 1;

std::uint32_t number_of(const std::string& stream) {
  return static_cast<std::uint32_t>(std::stoul(data::sha256_hex(stream).substr(0, 8), nullptr, 16));
}

}  // namespace

Comparison compare(const std::map<std::string, double>& better, const std::map<std::string, double>& than,
                   const std::string& stream) {
  Comparison result{.anatomies = {}, .interval = {}};
  std::vector<double> differences;
  double better_sum = 0, than_sum = 0, difference_sum = 0;
  for (const auto& [anatomy, dice] : better) {
    const auto other = than.find(anatomy);
    if (other == than.end()) continue;
    result.anatomies.push_back(anatomy);
    differences.push_back(dice - other->second);
    better_sum += dice;
    than_sum += other->second;
    difference_sum += differences.back();
  }
  const auto n = static_cast<double>(differences.size());  // a mean of none is 0 / 0, not a number
  result.better_dice = better_sum / n;
  result.than_dice = than_sum / n;
  result.difference = difference_sum / n;
  result.interval =
      bootstrap_mean(differences, data::Random(kBootstrapSeed, data::Purpose::kBootstrap, number_of(stream)));
  const SignedRank test = wilcoxon_signed_rank(differences);
  const double expected = test.n * (test.n + 1) / 4.0;
  result.p = test.p;
  result.direction = (test.statistic > expected ? 1 : 0) - (test.statistic < expected ? 1 : 0);
  return result;
}

void correct_family(const std::vector<Comparison*>& family) {
  std::vector<double> p_values, smallest;
  for (const Comparison* one : family) {
    p_values.push_back(std::isnan(one->p) ? 1 : one->p);
    smallest.push_back(smallest_p(static_cast<int>(one->anatomies.size())));
  }
  const std::vector<double> corrected = holm_adjusted(p_values), at_best = holm_adjusted(smallest);
  for (std::size_t i = 0; i < family.size(); ++i) {
    family[i]->p_holm = std::isnan(family[i]->p) ? std::numeric_limits<double>::quiet_NaN() : corrected[i];
    family[i]->too_few = at_best[i] > kAlpha;
  }
}

}  // namespace crossfade::analysis
