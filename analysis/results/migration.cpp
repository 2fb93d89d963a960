#include "analysis/results/migration.hpp"

#include <regex>
#include <string>
#include <vector>

#include "analysis/results/database.hpp"

namespace crossfade::analysis {
namespace {

void drop_views(SQLite::Database& db) {
  std::vector<std::string> views;
  SQLite::Statement query(db, "SELECT name FROM sqlite_master WHERE type = 'view'");
  while (query.executeStep()) views.push_back(query.getColumn(0).getString());
  for (const std::string& view : views) db.exec("DROP VIEW \"" + view + "\"");
}

/// The CREATE TABLE of this program's schema, for a table of another name.
std::string definition(const std::string& table, const std::string& name) {
  SQLite::Database current(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  create_schema(current);
  SQLite::Statement query(current, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?");
  query.bind(1, table);
  query.executeStep();
  return "CREATE TABLE " + name + query.getColumn(0).getString().substr(("CREATE TABLE " + table).size());
}

/// What ALTER TABLE has no words for, SQLite's way: a new table in place of the old one, with `rows`, a SELECT of all
/// its columns.
void rebuild(SQLite::Database& db, const std::string& table, const std::string& rows) {
  const std::string made = "new_" + table;
  db.exec(definition(table, made));
  db.exec("INSERT INTO " + made + " " + rows);
  db.exec("DROP TABLE " + table);
  db.exec("ALTER TABLE " + made + " RENAME TO " + table);
}

/// Structures belonged to no study, and scores referred to them by a foreign key of one column.
void give_structures_to_studies(SQLite::Database& db) {
  rebuild(db, "dice", "SELECT * FROM dice");
  rebuild(db, "subject_score", "SELECT * FROM subject_score");
  rebuild(db, "structure", "SELECT study.id, structure.id, structure.name FROM study CROSS JOIN structure");
}

void require_foreign_keys(SQLite::Database& db, const std::filesystem::path& file) {
  SQLite::Statement check(db, "PRAGMA foreign_key_check");
  if (check.executeStep())
    throw database_error(file, "can't be brought to this version: a row of its table '" +
                                   check.getColumn(0).getString() + "' refers to one of '" +
                                   check.getColumn(2).getString() + "' that is not there; it is left as it was");
}

}  // namespace

void bring_up_to_date(SQLite::Database& db, const std::filesystem::path& file) {
  const int version = db.execAndGet("PRAGMA user_version").getInt();
  drop_views(db);
  if (version < 5) db.exec("ALTER TABLE claim ADD COLUMN most_in TEXT NOT NULL DEFAULT ''");
  if (version < 6) {
    for (const char* column : {"seconds_checkpoint", "seconds_communication"})
      db.exec(std::string("ALTER TABLE epoch ADD COLUMN ") + column + " REAL");
    give_structures_to_studies(db);
  }
  if (version < 7) {
    for (const char* column : {"seconds_buckets", "seconds_loss_sums", "seconds_norm_sums"})
      db.exec(std::string("ALTER TABLE epoch ADD COLUMN ") + column + " REAL");
  }
  if (version < 9) db.exec("ALTER TABLE epoch ADD COLUMN seconds_shared REAL");
  if (version < 13) db.exec("ALTER TABLE stage ADD COLUMN seconds_score REAL");
  // What a version added whole (subject_time in 4, person in 8, the search's in 10, activity in 11, subject in 12), and
  // the views.
  db.exec(std::regex_replace(kSchema, std::regex("CREATE (TABLE|INDEX|UNIQUE INDEX) "), "CREATE $1 IF NOT EXISTS "));
  if (version < kSchemaVersion) require_foreign_keys(db, file);
  db.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
}

}  // namespace crossfade::analysis
