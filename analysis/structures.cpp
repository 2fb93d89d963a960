#include "analysis/structures.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "analysis/database.hpp"
#include "analysis/statistics.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct VariantRow {
  std::int64_t id = 0;
  std::string name;
  bool finetuned = false;
};

std::vector<VariantRow> variants_with_results(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(db,
                          "SELECT v.id, v.name, max(c.role = 'finetuned') FROM variant AS v"
                          " JOIN counted_stage AS c ON c.variant_id = v.id WHERE v.study_id = ?"
                          " GROUP BY v.id ORDER BY v.position");
  query.bind(1, study);
  std::vector<VariantRow> rows;
  while (query.executeStep())
    rows.push_back({query.getColumn(0).getInt64(), query.getColumn(1).getString(), query.getColumn(2).getInt() != 0});
  return rows;
}

VariantRow choose(const std::vector<VariantRow>& rows, const std::string& name,
                  const std::vector<std::filesystem::path>& databases) {
  std::string there;
  for (const VariantRow& row : rows) {
    if (name.empty() ? row.finetuned : row.name == name) return row;
    there += (there.empty() ? "'" : ", '") + row.name + "'";
  }
  if (rows.empty()) throw database_error(databases, "no trial of the study is finished yet");
  if (name.empty()) return rows.front();
  throw database_error(databases, "holds no results of a variant '" + name + "'; there is " + there);
}

/// Per structure and subject: role -> mean over trials.
using Cells = std::map<std::int64_t, std::map<std::string, std::map<std::string, double>>>;

Cells read_cells(SQLite::Database& db, std::int64_t variant) {
  SQLite::Statement query(db,
                          "SELECT score.structure_id, score.subject, c.role, avg(score.value)"
                          " FROM counted_stage AS c JOIN subject_score AS score ON score.stage_id = c.stage_id"
                          " WHERE c.variant_id = ? AND score.metric = 'dice' AND score.part = 'test'"
                          " GROUP BY score.structure_id, score.subject, c.role");
  query.bind(1, variant);
  Cells cells;
  while (query.executeStep()) {
    if (query.getColumn(3).isNull()) continue;
    cells[query.getColumn(0).getInt64()][query.getColumn(1).getString()][query.getColumn(2).getString()] =
        query.getColumn(3).getDouble();
  }
  return cells;
}

/// What `of_subject` has of the roles that the study has; subjects that lack one of them are left out.
StructureDice pair_up(const std::map<std::string, std::map<std::string, double>>& subjects, bool finetuned) {
  StructureDice dice;
  std::vector<double> differences;
  for (const auto& [subject, of_role] : subjects) {
    const auto before = of_role.find("pretrained"), after = of_role.find("finetuned");
    if (before == of_role.end() || (finetuned && after == of_role.end())) continue;
    dice.subjects.push_back(subject);
    dice.pretrained.push_back(before->second);
    if (!finetuned) continue;
    dice.finetuned.push_back(after->second);
    differences.push_back(after->second - before->second);
  }
  dice.difference = differences.empty() ? kNone
                                        : std::accumulate(differences.begin(), differences.end(), 0.0) /
                                              static_cast<double>(differences.size());
  dice.p = differences.empty() ? kNone : wilcoxon_signed_rank(differences).p;
  return dice;
}

}  // namespace

StructureTable read_structures(const std::vector<std::filesystem::path>& databases, const std::string& study,
                               const std::string& variant) {
  return read_study(databases, study, "reading structures", [&](SQLite::Database& db, const StudyRow& found) {
    const VariantRow chosen = choose(variants_with_results(db, found.id), variant, databases);
    StructureTable table{.study = found.name,
                         .caption = found.caption,
                         .variant = chosen.name,
                         .finetuned = chosen.finetuned,
                         .structures = {}};
    const Cells cells = read_cells(db, chosen.id);
    std::vector<double> p_values;
    SQLite::Statement names(db, "SELECT id, name FROM structure WHERE id > 0 ORDER BY id");
    while (names.executeStep()) {
      const auto of_structure = cells.find(names.getColumn(0).getInt64());
      StructureDice dice =
          of_structure == cells.end() ? pair_up({}, chosen.finetuned) : pair_up(of_structure->second, chosen.finetuned);
      dice.structure = names.getColumn(1).getString();
      table.subjects = std::max(table.subjects, static_cast<int>(dice.subjects.size()));
      p_values.push_back(dice.p);
      table.structures.push_back(std::move(dice));
    }
    const std::vector<double> corrected = holm_adjusted(p_values);
    for (std::size_t i = 0; i < corrected.size(); ++i) table.structures[i].p_holm = corrected[i];
    table.can_be_significant = can_reach(table.subjects, static_cast<int>(corrected.size()), kAlpha);
    return table;
  });
}

}  // namespace crossfade::analysis
