// Scores of label volumes as a row of Table 1: a variant without a net, beside those of a grid.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "analysis/scores/label_scores.hpp"

namespace crossfade::analysis {

struct ScoredVariant {
  std::string name;                 // row of Table 1
  std::string role = "pretrained";  // "pretrained" or "finetuned": the column of Table 1 that it fills
  std::string config;               // JSON object: how it was scored
  std::vector<SubjectScores> subjects;
  double seconds = 0;                             // that the tool takes for a scan; 0: not known
  data::Classes classes = data::brain_classes();  // of the label tables that it was scored by
};

/// How many subjects the trials of a study's grid were tested on, and how many of them a scored variant has.
struct Coverage {
  int tested = 0;
  int covered = 0;
};

/// Throws std::runtime_error where record_scored_variant() would refuse the study or the name, before hours go into
/// scores: a file that is missing or empty while `study` is empty, too; one that holds other studies than `study`; a
/// name that the study's grid has or had; other classes than the study's, by the first that differs. Writes nothing but
/// what opening a database for writing does.
void check_scored_variant(const std::filesystem::path& database, const std::string& study, const std::string& name,
                          const data::Classes& classes);

/// Stores the variant in the study (empty: the latest one; a new one, of the variant's classes, in a file that is
/// missing or empty), in one transaction, as one finished trial whose test subjects are those scored: seed 0, fold 0,
/// no parameters. One of the same name that was scored before is replaced. Throws as above.
Coverage record_scored_variant(const std::filesystem::path& database, const std::string& study,
                               const ScoredVariant& variant, const Provenance& provenance);

}  // namespace crossfade::analysis
