#include "analysis/tables/table1.hpp"

#include "analysis/results/merge.hpp"
#include "analysis/tables/persons.hpp"
#include "analysis/tables/study_tables.hpp"
#include "analysis/tables/voxel_size.hpp"

namespace crossfade::analysis {
namespace {

nlohmann::ordered_json value_of(const SQLite::Column& column) {
  if (column.isNull()) return nullptr;
  if (column.isInteger()) return column.getInt64();
  if (column.isFloat()) return column.getDouble();
  return column.getString();
}

}  // namespace

Table1 table1_of(SQLite::Database& db, const StudyRow& study) {
  Table1 table;
  table.study = study.name;
  table.caption = study.caption;

  SQLite::Statement rows(db, "SELECT * FROM table1 WHERE study = ?");
  rows.bind(1, table.study);
  for (int c = 0; c < rows.getColumnCount(); ++c) table.columns.emplace_back(rows.getColumnName(c));
  while (rows.executeStep()) {
    nlohmann::ordered_json row;
    for (int c = 0; c < rows.getColumnCount(); ++c)
      row[table.columns[static_cast<std::size_t>(c)]] = value_of(rows.getColumn(c));
    table.finished += row["trials"].get<int>();
    table.failed += row["failed"].get<int>();
    table.planned += row["planned"].get<int>();
    table.rows.push_back(std::move(row));
  }

  table.classes = class_names(db, study.id);
  table.voxel_mm = voxel_sizes(db, study.id);
  table.persons = persons_note(db, study.id);
  return table;
}

Table1 read_table1(const std::vector<std::filesystem::path>& databases, const std::string& study) {
  return read_study(databases, study, "reading table1", table1_of);
}

}  // namespace crossfade::analysis
