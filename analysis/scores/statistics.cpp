#include "analysis/scores/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

namespace crossfade::analysis {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

void require_finite(std::span<const double> differences) {
  for (std::size_t i = 0; i < differences.size(); ++i)
    if (!std::isfinite(differences[i]))
      throw std::invalid_argument("difference " + std::to_string(differences[i]) + " at place " + std::to_string(i) +
                                  "; differences must be finite");
}

void require_between_0_and_1(const std::string& name, double value) {
  if (!(value > 0 && value < 1))
    throw std::invalid_argument(name + " is " + std::to_string(value) + "; it must lie between 0 and 1");
}

/// P(sum of the ranks with a positive sign <= limit), each sign positive with probability 1/2.
double lower_tail(const std::vector<std::size_t>& ranks, std::size_t limit) {
  // Probabilities instead of counts: 2^n would overflow. They are multiples of 2^-n, so exact up to n = 53.
  std::vector<double> probability(limit + 1);
  probability[0] = 1;
  for (const std::size_t rank : ranks)
    for (std::size_t sum = limit + 1; sum-- > 0;)
      probability[sum] = (probability[sum] + (sum >= rank ? probability[sum - rank] : 0)) / 2;
  return std::accumulate(probability.begin(), probability.end(), 0.0);
}

/// P(|T| <= t) for Student's t with `freedom` degrees and t = sqrt(freedom) tan(angle): finite sums (Abramowitz &
/// Stegun, Handbook of Mathematical Functions, 1964, 26.7.3 and 26.7.4).
double student_within(double angle, std::size_t freedom) {
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const bool odd = freedom % 2 == 1;
  double term = odd ? cosine : 1, sum = freedom == 1 ? 0 : term;
  for (std::size_t k = odd ? 3 : 2; k + 2 <= freedom; k += 2) {
    term *= static_cast<double>(k - 1) / static_cast<double>(k) * cosine * cosine;
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
}

/// t with P(|T| <= t) = confidence, by bisection of its angle until no double lies between.
double student_quantile(double confidence, std::size_t freedom) {
  double low = 0, high = std::numbers::pi / 2;
  for (;;) {
    const double middle = std::midpoint(low, high);
    if (middle <= low || middle >= high) return std::sqrt(static_cast<double>(freedom)) * std::tan(low);
    (student_within(middle, freedom) < confidence ? low : high) = middle;
  }
}

}  // namespace

SignedRank wilcoxon_signed_rank(std::span<const double> differences) {
  require_finite(differences);
  std::vector<double> sorted;
  std::copy_if(differences.begin(), differences.end(), std::back_inserter(sorted), [](double d) { return d != 0; });
  std::sort(sorted.begin(), sorted.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
  const std::size_t n = sorted.size();
  if (n == 0) return {.n = 0, .statistic = 0, .p = kNotANumber};

  // Ranks are doubled, so that the mean of tied ones is an integer as well.
  std::vector<std::size_t> ranks;
  std::size_t positive = 0;
  while (ranks.size() < n) {
    const std::size_t first = ranks.size();
    std::size_t end = first;
    while (end < n && std::abs(sorted[end]) == std::abs(sorted[first])) ++end;
    for (std::size_t i = first; i < end; ++i) {
      ranks.push_back(first + 1 + end);
      if (sorted[i] > 0) positive += ranks.back();
    }
  }
  // Turning all signs maps one tail to the other, so the smaller one is always a lower tail.
  const double tail = lower_tail(ranks, std::min(positive, n * (n + 1) - positive));
  return {.n = static_cast<int>(n), .statistic = static_cast<double>(positive) / 2, .p = std::min(1.0, 2 * tail)};
}

double smallest_p(int n) {
  if (n < 0) throw std::invalid_argument("smallest p of " + std::to_string(n) + " pairs; there can't be less than 0");
  return std::min(1.0, std::ldexp(2.0, -n));
}

std::vector<double> holm_adjusted(std::span<const double> p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i) {
    if (p_values[i] < 0 || p_values[i] > 1)
      throw std::invalid_argument("p value " + std::to_string(p_values[i]) + " at place " + std::to_string(i) +
                                  "; p values lie in [0, 1]");
    if (!std::isnan(p_values[i])) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size(), kNotANumber);
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(order.size() - k) * p_values[order[k]]));
    adjusted[order[k]] = largest;
  }
  return adjusted;
}

double quantile(const std::vector<double>& sorted, double probability) {
  const double position = probability * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

Interval bootstrap_mean(std::span<const double> differences, data::Random random, double confidence, int resamples) {
  require_finite(differences);
  require_between_0_and_1("confidence", confidence);
  if (resamples < 1) throw std::invalid_argument(std::to_string(resamples) + " resamples; there must be at least 1");
  const std::size_t n = differences.size();
  if (n < 2) return {.low = kNotANumber, .high = kNotANumber};
  std::vector<double> means(static_cast<std::size_t>(resamples));
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += differences[random.below(n)];
    mean = sum / static_cast<double>(n);
  }
  std::sort(means.begin(), means.end());
  return {.low = quantile(means, (1 - confidence) / 2), .high = quantile(means, (1 + confidence) / 2)};
}

Interval student_mean(std::span<const double> values, double confidence) {
  require_finite(values);
  require_between_0_and_1("confidence", confidence);
  if (values.size() < 2) return {kNotANumber, kNotANumber};
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double half = student_quantile(confidence, values.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return {mean - half, mean + half};
}

}  // namespace crossfade::analysis
