#include "analysis/tables/persons.hpp"

namespace crossfade::analysis {

std::string persons_note(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(db, "SELECT 1 FROM person WHERE study_id = ? GROUP BY person HAVING count(*) > 1");
  query.bind(1, study);
  if (!query.executeStep()) return "";
  return "A subject is a person: who has several scans counts once, with the mean over them.";
}

}  // namespace crossfade::analysis
