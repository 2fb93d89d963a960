// Table 1 as it stands in the database. Private to analysis/.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace crossfade::analysis {

struct Table1 {
  std::string study, caption;
  int finished = 0, failed = 0, planned = 0;  // trials that the grid has
  std::vector<std::string> classes;           // of the study, by class id; empty: none yet
  std::vector<double> voxel_mm;               // grids that Dice was counted on, as far as known
  std::string persons;                        // persons_note()
  std::vector<std::string> columns;           // of the view, in its order
  std::vector<nlohmann::ordered_json> rows;   // column -> string, number or null; in the grid's order
};

/// The rows of the view table1 of one study; databases, `study` and errors as in render_table1.
Table1 read_table1(const std::vector<std::filesystem::path>& databases, const std::string& study);

}  // namespace crossfade::analysis
