// What became of a study's claims, from the database. Private to analysis/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "analysis/scores/comparison.hpp"

namespace crossfade::analysis {

enum class Verdict { kNoResult, kTooFew, kHolds, kReverseHolds, kUndecided, kUndecidedOverSeeds };

/// From so many seeds on that both variants have, a verdict is over seeds as well.
inline constexpr std::size_t kSeedsToDecide = 5;

/// A claim over the test subjects that both variants have a Dice of. A subject's Dice is the mean over its structures,
/// then over seeds; with Claim::most_in, the mean over those structures less that over the others takes its place, so
/// that the difference of two variants is what one gains more there than elsewhere.
struct ClaimResult {
  Claim claim;
  Comparison comparison;                 // all claims of the study are the family
  std::vector<double> by_seed;           // mean difference of each seed that both variants have, in order of seeds
  std::size_t seed_anatomies = 0;        // those that both have with each of these seeds: by_seed is over them
  Interval over_seeds;                   // of the mean of by_seed, student_mean()
  double seed_sd = 0;                    // table1_cell.seed_sd, the larger of the two variants'; NaN: one seed, most_in
  std::vector<std::int64_t> parameters;  // of the nets of both
  bool found = false;                    // one of the two was found by the study's search
  Verdict verdict = Verdict::kNoResult;
};

struct ClaimTable {
  std::string study, caption;
  std::vector<ClaimResult> claims;  // in the grid's order
  std::string persons;              // persons_note()
  std::vector<std::string> search;  // what is to be known of the search that found some of them: search_notes()
  int folds = 0;                    // distinct, of the grid's trials
  int finished = 0, planned = 0;    // trials that the grid has
};

/// kNoResult: no anatomy that both variants have. kTooFew: Comparison::too_few. kHolds and kReverseHolds: corrected p
/// at most kAlpha, and both the ranks that it is of and the mean difference speak for it, or both against it.
/// kUndecidedOverSeeds: the same, but over_seeds does not lie on that side of 0, with kSeedsToDecide seeds or more, or
/// of what a search found with any number (of one seed there is no interval). `study` and errors as in render_claims.
ClaimTable read_claims(const std::vector<std::filesystem::path>& databases, const std::string& study);

}  // namespace crossfade::analysis
