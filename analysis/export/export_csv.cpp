#include <fstream>
#include <stdexcept>

#include "analysis/export/export.hpp"
#include "analysis/results/merge.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/publish.hpp"

namespace crossfade::analysis {
namespace {

/// Of these columns, and of the trials that the grid has.
struct Tidy {
  const char* name;
  const char* sql;
};

constexpr Tidy kTables[] = {
    {"epochs.csv", "SELECT * FROM figure1 WHERE study = ?"},
    {"terms.csv",
     "SELECT v.name AS variant, t.seed, t.fold, s.name AS stage, s.plane, e.epoch, m.term, m.value, m.weight"
     " FROM epoch_term AS m JOIN epoch AS e ON e.id = m.epoch_id JOIN stage AS s ON s.id = e.stage_id"
     " JOIN trial AS t ON t.id = s.trial_id JOIN variant AS v ON v.id = t.variant_id"
     " JOIN study ON study.id = t.study_id WHERE study.name = ? AND t.in_grid = 1"
     " ORDER BY v.position, t.fold, t.seed, s.position, e.epoch, m.term"},
    {"scores.csv",
     "SELECT v.name AS variant, t.seed, t.fold, s.name AS stage, s.plane, c.part, c.subject, st.name AS structure,"
     " c.metric, c.value, c.true_positive, c.false_positive, c.false_negative"
     " FROM subject_score AS c JOIN stage AS s ON s.id = c.stage_id JOIN trial AS t ON t.id = s.trial_id"
     " JOIN variant AS v ON v.id = t.variant_id JOIN study ON study.id = t.study_id"
     " JOIN structure AS st ON st.study_id = t.study_id AND st.id = c.structure_id"
     " WHERE study.name = ? AND t.in_grid = 1"
     " ORDER BY v.source = 'score', v.position, t.fold, t.seed, s.position, c.part, c.subject, c.structure_id, "
     "c.metric"}};

/// Numbers in full; NULL is empty.
std::string field(const SQLite::Column& column) {
  if (column.isNull()) return {};
  return column.isFloat() ? exact(column.getDouble()) : csv_field(column.getString());
}

void write_rows(SQLite::Statement& query, std::ostream& out) {
  for (int c = 0; c < query.getColumnCount(); ++c) out << (c == 0 ? "" : ",") << csv_field(query.getColumnName(c));
  out << '\n';
  while (query.executeStep()) {
    for (int c = 0; c < query.getColumnCount(); ++c) out << (c == 0 ? "" : ",") << field(query.getColumn(c));
    out << '\n';
  }
}

}  // namespace

std::vector<std::filesystem::path> export_csv(const std::vector<std::filesystem::path>& databases,
                                              const std::filesystem::path& folder, const std::string& study) {
  return read_study(
      databases, study, "exporting as CSV",
      [&](SQLite::Database& db, const StudyRow& found) {
        data::make_folders(folder);
        std::vector<std::filesystem::path> files;
        for (const Tidy& table : kTables) {
          files.push_back(folder / table.name);
          std::ofstream out(files.back());
          SQLite::Statement query(db, table.sql);
          query.bind(1, found.name);
          write_rows(query, out);
          out.close();
          if (!out) throw std::runtime_error("can't write '" + files.back().string() + "'");
        }
        return files;
      },
      Scores::kAll);
}

}  // namespace crossfade::analysis
