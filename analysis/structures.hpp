// Dice of each structure before and after fine-tuning, paired by subject. Private to analysis/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// One structure of the 27, in a variant's test subjects. Per subject the mean over its trials (seeds; a subject is
/// tested in one fold); subjects without a number are left out.
struct StructureDice {
  std::string structure;
  std::vector<std::string> subjects;          // those with a number, in order of name
  std::vector<double> pretrained, finetuned;  // one a subject; `finetuned` empty in a study without that stage
  double difference = 0;                      // mean of finetuned - pretrained; NaN without pairs
  double p = 0;                               // exact two-sided Wilcoxon; NaN without a difference
  double p_holm = 0;                          // corrected over the 27 structures
};

struct StructureTable {
  std::string study, caption, variant;
  bool finetuned = false;
  int subjects = 0;
  bool can_be_significant = false;        // whether so few subjects can reach 0.05 after correction at all
  std::vector<StructureDice> structures;  // in the order of classes
};

/// Databases and `study` as in render_table1. `variant` empty: the first of the grid with a fine-tuned stage, or else
/// the first that has results. Throws std::runtime_error where the study has no such variant, listing those it has.
StructureTable read_structures(const std::vector<std::filesystem::path>& databases, const std::string& study,
                               const std::string& variant);

}  // namespace crossfade::analysis
