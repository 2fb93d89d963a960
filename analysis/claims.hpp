// What became of a study's claims, from the database. Private to analysis/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "analysis/results.hpp"
#include "analysis/statistics.hpp"

namespace crossfade::analysis {

enum class Verdict { kNoResult, kTooFew, kHolds, kReverseHolds, kUndecided };

/// A claim over the test subjects that both variants have a Dice of. A subject's Dice is the mean over its structures,
/// then over seeds. What there is no number for is NaN.
struct ClaimResult {
  Claim claim;
  int anatomies = 0;                      // subjects; 0: no finished trials of one of the two
  double better_dice = 0, than_dice = 0;  // mean over these anatomies
  double difference = 0;                  // mean of better - than
  Interval interval;                      // of the difference, 95 % bootstrap
  double seed_sd = 0;                     // table1_cell.seed_sd, the larger of the two variants'
  double p = 0;                           // exact two-sided Wilcoxon; NaN where all differences are 0
  double p_holm = 0;                      // over all claims of the study
  std::vector<std::int64_t> parameters;   // of the nets of both
  Verdict verdict = Verdict::kNoResult;
};

struct ClaimTable {
  std::string study, caption;
  std::vector<ClaimResult> claims;  // in the grid's order
  int folds = 0;                    // distinct, of the grid's trials
  int finished = 0, planned = 0;    // trials that the grid has
};

/// All claims of a study are one family, corrected by Holm's method (holm_adjusted); one without a result counts with
/// p = 1, so that a later result never undoes a verdict by its mere arrival. kHolds and kReverseHolds: corrected p at
/// most kAlpha and a difference above or below 0. kTooFew: the corrected p would be above kAlpha even if all claims had
/// the smallest p that their anatomies allow (smallest_p). `study` and errors as in render_claims.
ClaimTable read_claims(const std::vector<std::filesystem::path>& databases, const std::string& study);

}  // namespace crossfade::analysis
