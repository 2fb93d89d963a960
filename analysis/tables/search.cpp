#include "analysis/tables/search.hpp"

#include "analysis/results/merge.hpp"
#include "analysis/results/statement.hpp"
#include "analysis/tables/study_tables.hpp"
#include "data/number_words.hpp"

namespace crossfade::analysis {
namespace {

void read_space(const std::string& json, SearchTable& table) {
  for (const nlohmann::json& dimension : nlohmann::json::parse(json))
    table.dimensions.push_back({.name = dimension.at("name"),
                                .from = dimension.at("from"),
                                .to = dimension.at("to"),
                                .logarithmic = dimension.at("log"),
                                .moment = dimension.at("moment"),
                                .values = dimension.at("values")});
}

}  // namespace

std::optional<SearchTable> search_of(SQLite::Database& db, const StudyRow& study) {
  SearchTable table;
  table.study = study.name;
  table.caption = study.caption;
  SQLite::Statement search(db,
                           "SELECT method, objective, labels, seeds, space, validation_subjects, grid_text FROM search"
                           " JOIN study ON study.id = study_id WHERE study_id = ?");
  search.bind(1, study.id);
  if (!search.executeStep()) return std::nullopt;
  table.method = search.getColumn(0).getString();
  table.objective = search.getColumn(1).getString();
  table.labels = search.getColumn(2).getString();
  table.seeds = nlohmann::json::parse(search.getColumn(3).getString()).get<std::vector<std::uint64_t>>();
  read_space(search.getColumn(4).getString(), table);
  table.validation_subjects = search.getColumn(5).getInt();
  table.grid_text = search.getColumn(6).getString();

  SQLite::Statement points(db,
                           "SELECT position, round, point, epochs, epochs_so_far, dice, sd, seconds, variant, settings"
                           " FROM search_candidate WHERE study = ? ORDER BY position");
  points.bind(1, study.name);
  while (points.executeStep())
    table.points.push_back({.position = points.getColumn(0).getInt(),
                            .round = points.getColumn(1).getInt(),
                            .point = nlohmann::json::parse(points.getColumn(2).getString()),
                            .epochs = points.getColumn(3).getDouble(),
                            .epochs_so_far = points.getColumn(4).getDouble(),
                            .dice = number_or_none(points.getColumn(5)),
                            .sd = number_or_none(points.getColumn(6)),
                            .by_seed = {},
                            .seconds = number_or_none(points.getColumn(7)),
                            .variant = points.getColumn(8).isNull() ? "" : points.getColumn(8).getString(),
                            .settings = points.getColumn(9).getString()});
  SQLite::Statement seeds(db,
                          "SELECT position, CASE ? WHEN 'end' THEN end_dice ELSE best_dice END FROM candidate_score"
                          " WHERE study_id = ? ORDER BY position, seed");
  seeds.bind(1, table.objective);
  seeds.bind(2, study.id);
  while (seeds.executeStep())
    table.points.at(static_cast<std::size_t>(seeds.getColumn(0).getInt()))
        .by_seed.push_back(seeds.getColumn(1).getDouble());
  SQLite::Statement alone(db,
                          "SELECT coalesce(sum(s.epochs), 0) FROM candidate_trial AS c"
                          " JOIN trial AS t ON t.study_id = c.study_id AND t.hash = c.hash"
                          " JOIN stage AS s ON s.trial_id = t.id WHERE c.study_id = ? AND s.plane <> 'all'");
  alone.bind(1, study.id);
  alone.executeStep();
  table.epochs_alone = alone.getColumn(0).getDouble();
  SQLite::Statement others(db,
                           "SELECT count(DISTINCT variant_id) FROM trial AS t WHERE study_id = ? AND in_grid = 0 AND"
                           " config ->> 'tested' = 0 AND NOT EXISTS (SELECT * FROM candidate_trial AS c"
                           " WHERE c.study_id = t.study_id AND c.hash = t.hash)");
  others.bind(1, study.id);
  others.executeStep();
  table.others_tried = others.getColumn(0).getInt();
  return table;
}

SearchTable read_search(const std::vector<std::filesystem::path>& databases, const std::string& study) {
  return read_study(databases, study, "reading the search", [&](SQLite::Database& db, const StudyRow& found) {
    std::optional<SearchTable> table = search_of(db, found);
    if (!table)
      throw database_error(databases, "study '" + found.name + "' has no search; its grid says one under 'search'");
    return std::move(*table);
  });
}

std::string value_cell(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : data::significant(value.get<double>(), 4);
}

}  // namespace crossfade::analysis
