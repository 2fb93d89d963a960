#include "analysis/tables/voxel_size.hpp"

#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {

std::vector<double> voxel_sizes(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(db,
                          "SELECT DISTINCT s.voxel_mm FROM stage AS s JOIN trial AS t ON t.id = s.trial_id"
                          " WHERE t.study_id = ? AND t.in_grid = 1 AND s.voxel_mm IS NOT NULL ORDER BY 1");
  query.bind(1, study);
  std::vector<double> sizes;
  while (query.executeStep()) sizes.push_back(query.getColumn(0).getDouble());
  return sizes;
}

std::string grid_words(const std::vector<double>& voxel_mm) {
  std::string words;
  for (const double mm : voxel_mm) {
    std::string digits = fixed(mm, 2);
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
    words += (words.empty() ? " on a grid of " : " and ") + digits;
  }
  return words.empty() ? words : words + " mm voxels";
}

}  // namespace crossfade::analysis
