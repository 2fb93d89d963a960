// What the page shows of a study beside its tables and figures. Private to analysis/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/results/database.hpp"

namespace crossfade::analysis {

struct PageTrial {
  std::string variant;
  bool scored = false;  // another tool's labels: nothing was trained
  std::int64_t seed = 0;
  int fold = 0;
  std::string state, error, stopped;                       // stopped: why a stage ended early; or empty
  bool converged = true;                                   // as far as its stages have results
  int epochs = 0, planned = 0;                             // of all stages
  double minutes = 0;                                      // of training and validation that it spent itself
  double images = 0, seconds_train = 0, seconds_data = 0;  // of these epochs
};

/// A run of the program.
struct PageRun {
  std::string started, version, commit, host, command, devices, libraries, data;
  int ranks = 0, ranks_per_trial = 0;
  bool of_this_grid = true;  // its grid is the one that is stored
};

/// Dice on the test part of one variant in one column of Table 1: per subject the mean over its trials.
struct PageScores {
  std::string variant, role;
  double validation = 0;                  // mean of its best checkpoints; NaN: label volumes of another tool
  std::vector<std::vector<double>> dice;  // of each structure, of each subject; NaN: none
  double mean_of(std::size_t subject) const;
};

struct PageStudy {
  std::string name, caption, grid_text;
  std::vector<std::string> structures;  // without the background
  std::vector<std::string> subjects;    // tested, or their persons, by name
  std::vector<PageTrial> trials;        // that the grid has, in its order
  std::vector<PageRun> runs;            // the latest first
  std::vector<PageScores> scores;       // in the grid's order
};

/// Of all that were trained the best on validation; else the first; nullptr where there is none.
const PageScores* best_on_validation(const std::vector<PageScores>& all);

/// Of a database as read_study() gives it.
PageStudy page_study_of(SQLite::Database& db, const StudyRow& study);

/// Of all subjects of any part, and persons, those of `page` first: what is not to be passed on.
std::vector<std::string> names_of(SQLite::Database& db, const StudyRow& study, const PageStudy& page);

}  // namespace crossfade::analysis
