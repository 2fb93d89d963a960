// Statements with their values bound in order; a double that is not finite is NULL, and NULL read as a double is none.
// Private to analysis/.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

namespace crossfade::analysis {

inline void bind_value(SQLite::Statement& statement, int index, double value) {
  if (std::isfinite(value))
    statement.bind(index, value);
  else
    statement.bind(index);  // NULL
}
inline void bind_value(SQLite::Statement& statement, int index, const std::string& value) {
  statement.bind(index, value);
}
inline void bind_value(SQLite::Statement& statement, int index, const char* value) {
  statement.bind(index, value);
}
inline void bind_value(SQLite::Statement& statement, int index, std::int64_t value) {
  statement.bind(index, value);
}
inline void bind_value(SQLite::Statement& statement, int index, int value) {
  statement.bind(index, value);
}

/// NULL back to what is no number.
inline double number_or_none(const SQLite::Column& column) {
  return column.isNull() ? std::numeric_limits<double>::quiet_NaN() : column.getDouble();
}

template <class... Values>
void bind_all(SQLite::Statement& statement, const Values&... values) {
  int index = 0;
  (bind_value(statement, ++index, values), ...);
}

/// Runs a statement that changes rows; returns how many.
template <class... Values>
int change(SQLite::Database& db, const char* sql, const Values&... values) {
  SQLite::Statement statement(db, sql);
  bind_all(statement, values...);
  return statement.exec();
}

/// First column of the one row that a statement gives (RETURNING id).
template <class... Values>
std::int64_t get_id(SQLite::Database& db, const char* sql, const Values&... values) {
  SQLite::Statement statement(db, sql);
  bind_all(statement, values...);
  if (!statement.executeStep()) throw std::runtime_error("no such row");
  const std::int64_t id = statement.getColumn(0).getInt64();
  statement.executeStep();  // to its end: a statement left half done holds the transaction open
  return id;
}

}  // namespace crossfade::analysis
