// Comparing variants by the paired differences of their subjects: an exact test, its correction for many comparisons,
// and an interval of the mean. A pair is a subject, not a seed, a slice or a structure: those are not independent.
#pragma once

#include <span>
#include <vector>

#include "data/random.hpp"

namespace crossfade::analysis {

inline constexpr double kAlpha = 0.05;  // what a corrected p must not exceed in reports

struct SignedRank {
  int n = 0;             // differences other than 0
  double statistic = 0;  // W+, sum of the ranks of the positive differences, 0 to n(n+1)/2
  double p = 0;          // two-sided, 2 / 2^n to 1; not a number where n = 0
};

/// Exact signed-rank test (Wilcoxon, Biometrics Bulletin 1945) of paired differences against the hypothesis that they
/// are symmetric about 0. Zeros are dropped, as Wilcoxon did; equal |differences| (as doubles, so round them first if
/// they should tie) share the mean of their ranks. p = min(1, 2 min(P(W+ <= w), P(W+ >= w))) over all 2^n equally
/// likely signs of those very ranks, ties included; meant for n up to some hundreds, as its time grows as n^3. Throws
/// std::invalid_argument for a difference that isn't finite.
SignedRank wilcoxon_signed_rank(std::span<const double> differences);

/// min(1, 2 / 2^n): the p of n differences of one sign; n pairs give no smaller one. Throws std::invalid_argument for
/// n < 0.
double smallest_p(int n);

/// p values adjusted by Holm's step-down method (Scandinavian Journal of Statistics 1979), in the order given: with
/// m values in ascending order, the i-th becomes max over j <= i of min(1, (m - j + 1) p_j). What is not a number (a
/// test without data) stays so and doesn't count in m. Throws std::invalid_argument for a value outside [0, 1].
std::vector<double> holm_adjusted(std::span<const double> p_values);

struct Interval {
  double low = 0, high = 0;
};

/// Quantile of ascending values by linear interpolation between the two nearest. Precondition: at least one value.
double quantile(const std::vector<double>& sorted, double probability);

/// Bootstrap interval of the mean by the percentile method (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
/// ch. 13): the quantiles (1 -+ confidence) / 2 of the means of `resamples` resamples, interpolated linearly as NumPy
/// does. Each resample takes the next n draws of random.below(n), n = number of differences, so equal arguments give
/// equal intervals. Of few differences it is too narrow: at 95 %, against Student's t of normal ones, by 18 % for
/// n = 10, by 6 % for n = 30. Both ends are not a number for fewer than 2 differences. Throws std::invalid_argument for
/// a difference that isn't finite, a confidence outside (0, 1) or resamples < 1.
Interval bootstrap_mean(std::span<const double> differences, data::Random random, double confidence = 0.95,
                        int resamples = 10'000);

/// Interval of the mean of values that are normal about it, as those of seeds are taken to be: Student's t (Biometrika
/// 1908) with n - 1 degrees of freedom, mean -+ t sd / sqrt(n). Both ends are not a number for fewer than 2 values.
/// Throws std::invalid_argument for a value that isn't finite or a confidence outside (0, 1).
Interval student_mean(std::span<const double> values, double confidence = 0.95);

}  // namespace crossfade::analysis
