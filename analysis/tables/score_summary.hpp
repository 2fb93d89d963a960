// What the renderers of scores share. Private to analysis/.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/scores/dice.hpp"

namespace crossfade::analysis {

struct Spread {
  double mean = std::numeric_limits<double>::quiet_NaN(), sd = std::numeric_limits<double>::quiet_NaN();
};

/// Mean and sample standard deviation of the numbers among `values`; not a number of none, and of fewer than two.
Spread spread(const std::vector<double>& values);

/// Four decimals; a dash for what is not a number.
std::string score_cell(double value);

/// null for what is not a number.
nlohmann::ordered_json json_number(double value);

/// Throws std::invalid_argument where the counts of a subject are of more or fewer classes than `classes`.
void require_classes(const std::vector<SubjectCounts>& subjects, const data::Classes& classes);

/// A subject's mean Dice over its structures; not a number where it has none.
double subject_mean(const SubjectCounts& subject);
std::vector<double> subject_means(const std::vector<SubjectCounts>& subjects);

/// The lines under a table: the mean over subjects with its spread, and what a dash is.
std::string summary_text(const std::vector<SubjectCounts>& subjects);

}  // namespace crossfade::analysis
