#include "analysis/tables/structures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "analysis/results/merge.hpp"
#include "analysis/tables/net_size.hpp"
#include "analysis/tables/persons.hpp"
#include "analysis/tables/rendering.hpp"

namespace crossfade::analysis {
namespace {

struct VariantRow {
  std::int64_t id = 0;
  std::string name;
  std::set<std::string> roles{};
  double validation = 0;  // Dice, the mean over its trials; of what has no net: 0
};

std::vector<VariantRow> variants_with_results(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(
      db,
      "SELECT v.id, v.name, c.role, iif(v.source = 'score', 0, coalesce(avg(s.best_dice), 0)) FROM variant AS v"
      " JOIN counted_stage AS c ON c.variant_id = v.id JOIN stage AS s ON s.id = c.stage_id"
      " WHERE v.study_id = ? GROUP BY v.id, c.role ORDER BY v.source = 'score', v.position");
  query.bind(1, study);
  std::vector<VariantRow> rows;
  while (query.executeStep()) {
    const std::int64_t id = query.getColumn(0).getInt64();
    if (rows.empty() || rows.back().id != id) rows.push_back({id, query.getColumn(1).getString()});
    rows.back().roles.insert(query.getColumn(2).getString());
    rows.back().validation = query.getColumn(3).getDouble();
  }
  return rows;
}

VariantRow choose(const std::vector<VariantRow>& rows, const std::string& name,
                  const std::vector<std::filesystem::path>& databases) {
  std::string there;
  for (const VariantRow& row : rows) {
    if (name.empty() ? row.roles.contains("finetuned") : row.name == name) return row;
    there += (there.empty() ? "'" : ", '") + row.name + "'";
  }
  if (rows.empty()) throw database_error(databases, "no trial of the study is finished yet");
  if (name.empty()) return *std::ranges::max_element(rows, {}, &VariantRow::validation);
  throw database_error(databases, "holds no results of a variant '" + name + "'; there is " + there);
}

/// What a side shows.
struct Source {
  StructureSide side;
  std::int64_t variant = 0;
  std::string role;
};

std::vector<Source> sources_of(const std::vector<VariantRow>& rows, const VariantRow& chosen, const std::string& than,
                               const std::vector<std::filesystem::path>& databases) {
  std::vector<Source> sources;
  if (than.empty()) {
    for (const std::string role : {"pretrained", "finetuned"})
      if (chosen.roles.contains(role)) sources.push_back({{column_title(role), role}, chosen.id, role});
    return sources;
  }
  const VariantRow other = choose(rows, than, databases);
  const std::string role = chosen.roles.contains("finetuned") ? "finetuned" : "pretrained";
  if (!other.roles.contains(role))
    throw database_error(databases, "variant '" + than + "' has no " +
                                        (role == "finetuned" ? "fine-tuned" : "pre-trained") +
                                        " results to compare with those of '" + chosen.name + "'");
  return {{{other.name, "than"}, other.id, role}, {{chosen.name, role}, chosen.id, role}};
}

/// Per structure.
struct Cells {
  std::map<std::int64_t, std::map<std::string, double>> dice;           // by subject, mean over trials
  std::map<std::int64_t, std::map<int, std::vector<double>>> of_seeds;  // by fold: mean over subjects of each seed
};

Cells read_cells(SQLite::Database& db, const Source& source) {
  const auto grouped_by = [&](const std::string& key) {
    SQLite::Statement query(db, "SELECT structure_id, " + key +
                                    ", avg(value) FROM structure_score WHERE variant_id = ? AND role = ?"
                                    " AND metric = 'dice' AND part = 'test' AND value IS NOT NULL"
                                    " GROUP BY structure_id, " +
                                    key);
    query.bind(1, source.variant);
    query.bind(2, source.role);
    return query;
  };
  Cells cells;
  SQLite::Statement subjects = grouped_by("subject");
  while (subjects.executeStep())
    cells.dice[subjects.getColumn(0).getInt64()][subjects.getColumn(1).getString()] = subjects.getColumn(2).getDouble();
  SQLite::Statement seeds = grouped_by("fold, seed");
  while (seeds.executeStep())
    cells.of_seeds[seeds.getColumn(0).getInt64()][seeds.getColumn(1).getInt()].push_back(
        seeds.getColumn(3).getDouble());
  return cells;
}

/// Sample standard deviation, pooled within folds: seeds of two folds are tested on different subjects.
double seed_spread(const std::map<int, std::vector<double>>& folds) {
  double squares = 0, degrees = 0;
  for (const auto& [fold, seeds] : folds) {
    double sum = 0;
    for (const double dice : seeds) sum += dice;
    const double mean = sum / static_cast<double>(seeds.size());
    for (const double dice : seeds) squares += (dice - mean) * (dice - mean);
    degrees += static_cast<double>(seeds.size()) - 1;
  }
  return degrees > 0 ? std::sqrt(squares / degrees) : std::numeric_limits<double>::quiet_NaN();
}

StructureDice structure_of(std::int64_t id, const std::string& name, std::vector<Cells>& cells) {
  StructureDice row{.structure = name, .sides = {}, .comparison = {.anatomies = {}, .interval = {}}};
  row.seed_sd = std::numeric_limits<double>::quiet_NaN();
  for (Cells& side : cells) {
    row.sides.push_back(side.dice[id]);
    row.seed_sd = std::fmax(row.seed_sd, seed_spread(side.of_seeds[id]));  // of a number and none: the number
  }
  if (row.sides.size() < 2) return row;
  row.comparison = compare(row.sides[1], row.sides[0], name);
  for (auto& side : row.sides)
    std::erase_if(side,
                  [&](const auto& of) { return !std::ranges::binary_search(row.comparison.anatomies, of.first); });
  return row;
}

int count_folds(SQLite::Database& db, std::int64_t variant) {
  SQLite::Statement query(db, "SELECT count(DISTINCT fold) FROM counted_stage WHERE variant_id = ?");
  query.bind(1, variant);
  query.executeStep();
  return query.getColumn(0).getInt();
}

}  // namespace

StructureTable read_structures(const std::vector<std::filesystem::path>& databases, const std::string& study,
                               const std::string& variant, const std::string& than) {
  return read_study(databases, study, "reading structures", [&](SQLite::Database& db, const StudyRow& found) {
    const std::vector<VariantRow> variants = variants_with_results(db, found.id);
    const VariantRow chosen = choose(variants, variant, databases);
    StructureTable table{.study = found.name,
                         .caption = found.caption,
                         .variant = chosen.name,
                         .sides = {},
                         .parameters = {},
                         .role = {},
                         .folds = count_folds(db, chosen.id),
                         .persons = persons_note(db, found.id),
                         .structures = {}};
    std::vector<Cells> cells;
    for (const Source& source : sources_of(variants, chosen, than, databases)) {
      table.sides.push_back(source.side);
      table.parameters.push_back(parameters_of(db, source.variant));
      table.role = source.role;
      cells.push_back(read_cells(db, source));
    }
    const std::vector<std::string> names = class_names(db, found.id);
    for (std::size_t c = 1; c < names.size(); ++c) {
      table.structures.push_back(structure_of(static_cast<std::int64_t>(c), names[c], cells));
      table.subjects = std::max(table.subjects, static_cast<int>(table.structures.back().sides.front().size()));
    }
    if (table.sides.size() < 2) return table;
    std::vector<Comparison*> family;
    for (StructureDice& structure : table.structures) family.push_back(&structure.comparison);
    correct_family(family);
    return table;
  });
}

}  // namespace crossfade::analysis
