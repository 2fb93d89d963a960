// Dice of each structure in two sets of results, paired by subject. Private to analysis/.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "analysis/scores/comparison.hpp"

namespace crossfade::analysis {

/// One of the two: a column of the table, a colour of the figure.
struct StructureSide {
  std::string title;  // Pre-Trained, Fine-Tuned; or the variant's name where two variants are compared
  std::string key;    // pretrained, finetuned; than: of the variant that is compared with
};

/// One structure of the study. Per subject the mean over its trials (seeds; a subject is tested in one fold); subjects
/// that a side has no number of are left out.
struct StructureDice {
  std::string structure;
  std::vector<std::map<std::string, double>> sides;  // by subject; one a side, with the same subjects
  Comparison comparison;                             // second side - first; the study's structures are the family
  double seed_sd = 0;  // of the mean over subjects, within folds; the larger of the sides'; NaN for one seed
};

struct StructureTable {
  std::string study, caption, variant;
  std::vector<StructureSide> sides;       // one or two
  std::vector<std::int64_t> parameters;   // of the nets of the sides
  std::string role;                       // the column of Table 1 that two variants are compared in
  int subjects = 0;                       // the most that a structure has
  int folds = 0;                          // of the variant's trials
  std::string persons;                    // persons_note()
  std::vector<StructureDice> structures;  // in the order of classes
};

/// Databases and `study` as in render_table1. `variant` empty: the first of the grid with a fine-tuned stage, or else
/// the first that has results. `than` empty: its fine-tuned stage against its pre-trained one, or the one that it has;
/// otherwise the variant against that one, fine-tuned where it is fine-tuned, else pre-trained. Throws
/// std::runtime_error where the study has no such variant, listing those it has, or `than` lacks the stage.
StructureTable read_structures(const std::vector<std::filesystem::path>& databases, const std::string& study,
                               const std::string& variant, const std::string& than);

}  // namespace crossfade::analysis
