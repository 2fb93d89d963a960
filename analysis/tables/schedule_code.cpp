#include "analysis/tables/schedule_code.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "analysis/results/merge.hpp"
#include "analysis/tables/report.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

using nlohmann::json;

/// A text that Python reads as it stands: JSON's strings are Python's.
std::string quoted(const std::string& text) {
  return json(text).dump();
}

std::string python_bool(const json& value) {
  return value.get<bool>() ? "True" : "False";
}

/// The dictionary of a trial's stages.
std::string schedules_of(const json& stages) {
  std::string text = "{\n";
  for (const json& stage : stages) {
    text += "    " + quoted(stage.at("name")) + ": [\n";
    for (const json& term : stage.at("loss")) {
      const std::string name = term.at("term");
      if (name == "wce_boundary")
        throw std::runtime_error("the schedule has the term wce_boundary, which neither PyTorch nor MONAI has");
      text += "        (" + quoted(name) + ", " + quoted(term.at("shape")) + ", [";
      bool first = true;
      for (const json& point : term.at("points")) {
        text += std::string(first ? "" : ", ") + "(" + exact(point.at(0).get<double>()) + ", " +
                exact(point.at(1).get<double>()) + ")";
        first = false;
      }
      text += "]),\n";
    }
    text += "    ],\n";
  }
  return text + "}";
}

std::string filled(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values) {
    const std::string mark = "@" + name + "@";
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size()))
      text.replace(at, mark.size(), value);
  }
  return text;
}

/// The configuration of a trial of the variant, or of the row that the search found.
std::pair<std::string, json> config_of(SQLite::Database& db, const std::vector<std::filesystem::path>& databases,
                                       const StudyRow& study, const std::string& variant) {
  SQLite::Statement query(
      db,
      "SELECT v.name, t.config FROM trial AS t JOIN variant AS v ON v.id = t.variant_id WHERE t.study_id = ?1 AND"
      " t.in_grid = 1 AND t.parameters > 0 AND v.name = CASE ?2 WHEN '' THEN (SELECT variant FROM search_candidate"
      " WHERE study = ?3 AND variant IS NOT NULL ORDER BY dice DESC, position) ELSE ?2 END ORDER BY t.seed");
  query.bind(1, study.id);
  query.bind(2, variant);
  query.bind(3, study.name);
  if (!query.executeStep())
    throw database_error(databases, variant.empty()
                                        ? "the study '" + study.name + "' has found no schedule; name a --variant"
                                        : "the study '" + study.name + "' has no net called '" + variant + "'");
  return {query.getColumn(0).getString(), json::parse(query.getColumn(1).getString())};
}

}  // namespace

std::string schedule_for_monai(const std::vector<std::filesystem::path>& databases, const std::string& study,
                               const std::string& variant) {
  return read_study(databases, study, "reading a schedule", [&](SQLite::Database& db, const StudyRow& found) {
    const auto [name, config] = config_of(db, databases, found, variant);
    const json& options = config.at("loss_options");
    if (options.at("absent") != "keep")
      throw std::runtime_error("the schedule drops absent classes (loss_options.absent), which MONAI's Dice does not");
    const std::string title = one_line("The loss of '" + name + "' of the study '" + found.name + "'.");
    return filled(kScheduleForMonai, {{"TITLE", quoted(title).substr(1, quoted(title).size() - 2)},
                                      {"STAGE", config.at("stages").at(0).at("name").get<std::string>()},
                                      {"SCHEDULES", schedules_of(config.at("stages"))},
                                      {"EPSILON", exact(options.at("epsilon").get<double>())},
                                      {"BACKGROUND", python_bool(options.at("background"))},
                                      {"BATCH", python_bool(options.at("batch"))},
                                      {"SQUARED", python_bool(options.at("squared_denominator"))},
                                      {"PER_PIXEL", options.at("normalise") == "pixels" ? "True" : "False"}});
  });
}

}  // namespace crossfade::analysis
