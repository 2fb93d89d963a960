// Pictures that the trials of a study have left of their test subjects. Private to analysis/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "analysis/results/database.hpp"

namespace crossfade::analysis {

struct SubjectPicture {
  std::string which;  // worst, median, best
  std::string subject;
  std::int64_t seed = 0;
  int fold = 0;
  double dice = 0;             // mean over structures
  std::filesystem::path file;  // SVG
};

struct VariantPictures {
  std::string variant, role;             // role: of the column of Table 1 that is shown, the last it has
  std::vector<SubjectPicture> pictures;  // the worst, the median, the best over its trials; those that are there
};

/// In the grid's order; a variant without pictures is left out. A trial has left its own worst, median and best
/// subject: so a variant's worst and best are among them, and its median is the nearest one that is. Of a database as
/// read_study() gives it, from `databases`.
std::vector<VariantPictures> find_pictures(SQLite::Database& db, const StudyRow& study,
                                           const std::vector<std::filesystem::path>& databases);

/// "the worst: NAME, Dice 0.6123 (seed 3, fold 1)".
std::string picture_title(const SubjectPicture& picture);

}  // namespace crossfade::analysis
