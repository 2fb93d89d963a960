// What Figure 1 draws, from the database. Private to analysis/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "analysis/results/database.hpp"

namespace crossfade::analysis {

struct Figure1Point {
  double epoch = 0;                            // over all stages, from 1
  double dice = 0, smallest = 0, largest = 0;  // mean, and range, over the variant's trials
  int trials = 0;
};

/// One trial's Dice.
struct Figure1Trial {
  std::int64_t seed = 0;
  int fold = 0;
  std::vector<std::pair<double, double>> dice{};  // epoch over all stages, from 1, and Dice
};

/// A term of the loss: means over the variant's trials.
struct Figure1Term {
  std::string name;
  struct Point {
    double epoch = 0, value = 0,
           weight = 0;  // unweighted value, NaN where it was not finite; weight at the epoch's end
  };
  std::vector<Point> points{};
};

struct Figure1Line {
  std::string variant;
  std::vector<Figure1Point> points;
  std::vector<double> switches;  // where the schedule begins or ends to change, in epochs; a part of one counts
  std::vector<Figure1Trial> trials{};
  std::vector<Figure1Term> terms{};  // in the order of their names
};

struct Figure1Stage {
  std::string name;
  double end = 0;  // epoch over all stages
};

struct Figure1 {
  std::string study, caption;
  std::vector<Figure1Line> lines;    // in the grid's order; variants without an epoch are left out
  std::vector<Figure1Stage> stages;  // of the trial with the most epochs
  int finished = 0, planned = 0;     // trials
};

/// Finished trials count; of a variant that has none, those under way. A trial that a loss or gradient stopped counts
/// as 0 in its remaining epochs: its net is lost, and a mean over the others alone would rise where a seed fails. One
/// whose patience ran out goes on at the Dice of its last epoch.
/// Without a line where no variant has an epoch yet.
Figure1 figure1_of(SQLite::Database& db, const StudyRow& study);

/// Databases, `study` and errors as in plot_figure1.
Figure1 read_figure1(const std::vector<std::filesystem::path>& databases, const std::string& study);

}  // namespace crossfade::analysis
