// Two sets of figures compared over the anatomies that both have, alone and as one of a family. Private to analysis/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/scores/statistics.hpp"

namespace crossfade::analysis {

/// What there is no number for is NaN. A figure of an anatomy is a mean over its seeds already.
struct Comparison {
  std::vector<std::string> anatomies;     // that both sides have, in order of name
  double better_dice = 0, than_dice = 0;  // mean over these anatomies
  double difference = 0;                  // mean of better - than
  Interval interval;                      // of the difference, 95 % bootstrap
  int direction = 0;                      // of the ranks that p is of: 1 where they speak for better, -1 for than
  double p = 0;                           // exact two-sided Wilcoxon; NaN where all differences are 0
  double p_holm = 0;                      // over the family
  bool too_few = false;                   // anatomies for a corrected p of kAlpha, whatever their differences
};

/// `better` and `than`: figures by anatomy. `stream` tells the resamples of one comparison from those of another; a
/// comparison keeps its interval where others join. p_holm and too_few are correct_family()'s to fill.
Comparison compare(const std::map<std::string, double>& better, const std::map<std::string, double>& than,
                   const std::string& stream);

/// Corrects a family by Holm's method (holm_adjusted). A comparison without a p counts as 1, so that a result that
/// comes later never undoes a verdict by its mere arrival. too_few: the corrected p would be above kAlpha even if all
/// had the smallest p that their anatomies allow (smallest_p).
void correct_family(const std::vector<Comparison*>& family);

}  // namespace crossfade::analysis
