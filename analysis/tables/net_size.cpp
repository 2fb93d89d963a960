#include "analysis/tables/net_size.hpp"

#include <algorithm>

#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {

std::int64_t parameters_of(SQLite::Database& db, std::int64_t variant) {
  SQLite::Statement query(db, "SELECT max(parameters) FROM trial WHERE variant_id = ? AND in_grid = 1");
  query.bind(1, variant);
  return query.executeStep() ? query.getColumn(0).getInt64() : 0;  // NULL reads as 0
}

std::string unlike_size_note(std::span<const std::int64_t> parameters, const std::string& where) {
  std::int64_t smallest = 0, largest = 0;
  for (const std::int64_t n : parameters) {
    if (n == 0) continue;
    smallest = smallest == 0 ? n : std::min(smallest, n);
    largest = std::max(largest, n);
  }
  if (10 * largest <= 11 * smallest) return {};
  return "Nets of unlike size are compared" + where + ": the largest has " + grouped(largest) +
         " parameters, the smallest " + grouped(smallest) + "; a difference may be due to that.";
}

}  // namespace crossfade::analysis
