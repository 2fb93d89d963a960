// A model of how good the points are that a search has not tried.
#pragma once

#include <vector>

namespace crossfade::runner {

/// What a model expects of a point.
struct Expectation {
  double improvement = 0;  // over the best point tried, Jones et al. 1998: E max(f - best, 0)
  double mean = 0;         // of its score
};

/// A Gaussian process with a Matérn 5/2 kernel, a length of its own for each coordinate, and noise, given the `scores`
/// (higher is better) of the points `tried`; what it expects of each of `others`. Lengths and noise are averaged over:
/// draws from their prior (lengths log-normal about 0.4, noise about a hundredth of the variance of the signal, whose
/// scale is that of the greatest likelihood) weigh by their likelihood. The best point is the one of the highest mean,
/// as scores have noise. Points are coordinates(), all of one length. Precondition: at least one point was tried.
std::vector<Expectation> expect(const std::vector<std::vector<double>>& tried, const std::vector<double>& scores,
                                const std::vector<std::vector<double>>& others);

}  // namespace crossfade::runner
