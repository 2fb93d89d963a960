// Opening the results database. Only for the .cpp files of analysis/ that query it: SQLite stays behind them.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace crossfade::analysis {

extern const char* const kSchema;                  // analysis/results/schema.sql
inline constexpr int kSchemaVersion = 13;          // PRAGMA user_version
inline constexpr int kOldestWritable = 3;          // brought to kSchemaVersion where it is opened for writing
inline constexpr int kOldestReadable = 1;          // its views have what tables and figures are made from
inline constexpr int kApplicationId = 0x43724664;  // PRAGMA application_id, "CrFd"

/// Tables and views in an empty database.
void create_schema(SQLite::Database& db);

/// For the one writer: creates file and schema where missing, checks them otherwise. Throws std::runtime_error that
/// names the file.
SQLite::Database open_to_write(const std::filesystem::path& file);

/// What ATTACH takes for the file, in a connection that was opened with SQLite::OPEN_URI: with locks where it lies on a
/// file system that has them.
std::string attachable(const std::filesystem::path& file);

/// For queries. Throws std::runtime_error that names the file if it is missing or no results database of a version that
/// can be read.
SQLite::Database open_to_read(const std::filesystem::path& file);

struct StudyRow {
  std::int64_t id;
  std::string name, caption;
};

/// The study called `name`, or the one that was run last if `name` is empty. Throws std::runtime_error where there is
/// none, listing those there are.
StudyRow find_study(SQLite::Database& db, const std::filesystem::path& file, const std::string& name);

/// Names of a study's classes, by class id; empty where it has none yet.
std::vector<std::string> class_names(SQLite::Database& db, std::int64_t study);

/// "results database 'FILE': what", or "results databases 'FILE', 'FILE': what".
std::runtime_error database_error(const std::filesystem::path& file, const std::string& what);
std::runtime_error database_error(const std::vector<std::filesystem::path>& files, const std::string& what);

/// What SQLite says, and what is to be done about it where that is known.
std::string words_of(const SQLite::Exception& error);

/// Runs `body`, turning SQLite's errors into ours: "results database 'FILE': DOING: words_of()". `Files`: a path or
/// several.
template <class Files, class Body>
auto with_errors(const Files& files, const std::string& doing, Body&& body) {
  try {
    return body();
  } catch (const SQLite::Exception& e) {
    throw database_error(files, doing + ": " + words_of(e));
  }
}

}  // namespace crossfade::analysis
