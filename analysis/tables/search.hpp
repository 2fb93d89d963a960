// What a study's search has tried, from the database.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// A dimension of the space, as the database has it.
struct SearchedDimension {
  std::string name;
  double from = 0, to = 0;
  bool logarithmic = false, moment = false;
  std::vector<nlohmann::json> values;  // numbers or texts; empty: any of the range
};

struct SearchedPoint {
  int position = 0, round = 0;
  nlohmann::json point;  // object: value by name
  double epochs = 0, epochs_so_far = 0;
  double dice = 0, sd = 0;      // of what ranks candidates, over the search's seeds; NaN: not finished
  std::vector<double> by_seed;  // the same of each seed, in their order, of those that are finished
  double seconds = 0;
  std::string variant;   // the row of Table 1; empty: no finalist
  std::string settings;  // YAML
};

struct SearchTable {
  std::string study, caption;
  std::string method, objective, labels;
  std::string grid_text;
  std::vector<std::uint64_t> seeds;
  std::vector<SearchedDimension> dimensions;
  int validation_subjects = 0;
  double epochs_alone = 0;            // that the candidates would have cost with each trained for itself
  int others_tried = 0;               // candidates of the study's other searches that are none of this one
  std::vector<SearchedPoint> points;  // in the order tried
};

/// From so many validation subjects on, nothing is said of their number.
inline constexpr int kFewValidationSubjects = 6;

/// `study` and errors as in render_search().
SearchTable read_search(const std::vector<std::filesystem::path>& databases, const std::string& study);

/// How many candidates were tried, and what to bear in mind of the subjects and labels that chose among them.
std::vector<std::string> search_notes(const SearchTable& table);

/// "step" or "0.1667": numbers with four significant digits.
std::string value_cell(const nlohmann::json& value);

}  // namespace crossfade::analysis
