#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "analysis/tables/rendering.hpp"
#include "analysis/tables/report.hpp"
#include "analysis/tables/score_summary.hpp"
#include "analysis/tables/search.hpp"
#include "analysis/tables/study_tables.hpp"
#include "data/number_words.hpp"

namespace crossfade::analysis {
namespace {

/// The best first; of equal ones the earlier; those without a score last.
std::vector<SearchedPoint> ranked(std::vector<SearchedPoint> points) {
  std::ranges::stable_sort(points, [](const SearchedPoint& a, const SearchedPoint& b) {
    return !std::isnan(a.dice) && (std::isnan(b.dice) || a.dice > b.dice);
  });
  return points;
}

/// One decimal, as the minutes of trials elsewhere.
std::string minutes_cell(double seconds) {
  return std::isnan(seconds) ? "–" : fixed(seconds / 60, 1);
}

TextTable readable(const SearchTable& table) {
  TextTable out;
  out.columns = {{"Tried", true}};
  for (const SearchedDimension& dimension : table.dimensions) out.columns.push_back({dimension.name, true});
  for (const char* title : {"Validation Dice", "Sd over seeds", "Epochs", "So far", "Minutes"})
    out.columns.push_back({title, true});
  out.columns.push_back({"Row of Table 1"});
  for (const SearchedPoint& point : ranked(table.points)) {
    std::vector<std::string> cells = {std::to_string(point.position + 1)};
    for (const SearchedDimension& dimension : table.dimensions) {
      const nlohmann::json& value = point.point.at(dimension.name);
      cells.push_back(value_cell(value));
    }
    for (const double dice : {point.dice, point.sd}) cells.push_back(score_cell(dice));
    for (const double epochs : {point.epochs, point.epochs_so_far})
      cells.push_back(exact(std::round(epochs * 100) / 100));
    cells.push_back(minutes_cell(point.seconds));
    cells.push_back(point.variant);
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::string list_of(const std::vector<std::uint64_t>& seeds) {
  std::string text;
  for (const std::uint64_t seed : seeds) text += (text.empty() ? "" : ", ") + std::to_string(seed);
  return text;
}

bool has_never(const SearchTable& table) {
  return std::ranges::any_of(table.dimensions, [&](const SearchedDimension& dimension) {
    return dimension.moment && std::ranges::any_of(table.points, [&](const SearchedPoint& point) {
             return point.point.at(dimension.name) == 1;
           });
  });
}

/// The best lies at an end of a range: better ones may lie beyond.
std::vector<std::string> at_the_ends(const SearchTable& table) {
  std::vector<std::string> lines;
  const std::vector<SearchedPoint> best = ranked(table.points);
  if (best.empty() || std::isnan(best.front().dice)) return lines;
  for (const SearchedDimension& dimension : table.dimensions) {
    const nlohmann::json& value = best.front().point.at(dimension.name);
    if (!value.is_number() || dimension.from == dimension.to) continue;
    if (dimension.moment && value == 1) continue;  // behind it there is nothing
    const bool first = value == (dimension.values.empty() ? nlohmann::json(dimension.from) : dimension.values.front());
    const bool last = value == (dimension.values.empty() ? nlohmann::json(dimension.to) : dimension.values.back());
    if (first || last)
      lines.push_back("The best candidate has the " + std::string(first ? "lowest " : "highest ") + dimension.name +
                      " that was looked at: better ones may lie beyond.");
  }
  return lines;
}

std::vector<std::string> notes(const SearchTable& table) {
  std::vector<std::string> lines = {study_note(table.study, table.caption)};
  const double epochs = table.points.empty() ? 0 : table.points.back().epochs_so_far;
  double seconds = 0;
  for (const SearchedPoint& point : table.points) seconds += std::isnan(point.seconds) ? 0 : point.seconds;
  std::ranges::copy(search_notes(table), std::back_inserter(lines));
  lines.push_back(
      "Epochs: that the candidate adds to those of the ones tried before it, over all seeds, what candidates train "
      "alike counted once: " +
      exact(std::round(epochs * 100) / 100) + " in all, of " + exact(table.epochs_alone) +
      " with each for itself. It is a count by the schedules, by which a budget of epochs goes. Minutes: of training "
      "and validation that were spent, " +
      minutes_cell(seconds) + " in all; more where what they share was trained again (--no-share, run.branches_gb).");
  if (has_never(table)) lines.push_back("A moment of 1 is the end of its stage: a step there never comes.");
  for (std::string& line : at_the_ends(table)) lines.push_back(std::move(line));
  return lines;
}

nlohmann::ordered_json json(const SearchTable& table) {
  nlohmann::ordered_json out = {{"study", table.study},
                                {"caption", table.caption},
                                {"method", table.method},
                                {"objective", table.objective},
                                {"seeds", table.seeds},
                                {"validation_subjects", table.validation_subjects},
                                {"labels", table.labels},
                                {"epochs_alone", table.epochs_alone},
                                {"candidates", nlohmann::ordered_json::array()}};
  for (const SearchedPoint& point : table.points) {
    nlohmann::ordered_json row = {{"tried", point.position + 1}, {"round", point.round + 1}};
    for (const SearchedDimension& dimension : table.dimensions)
      row["value_" + dimension.name] = point.point.at(dimension.name);
    row.update({{"dice", point.dice},
                {"seed_sd", point.sd},
                {"epochs", point.epochs},
                {"epochs_so_far", point.epochs_so_far},
                {"seconds", point.seconds},
                {"variant", point.variant}});
    out["candidates"].push_back(std::move(row));
  }
  return out;
}

}  // namespace

std::vector<std::string> search_notes(const SearchTable& table) {
  std::vector<std::string> lines;
  lines.push_back("Search by method " + table.method + ": " + std::to_string(table.points.size()) +
                  (table.points.size() == 1 ? " candidate" : " candidates") + ", ranked by the mean " +
                  (table.objective == "end" ? "Dice after the last epoch" : "Dice of the best epoch") + " on " +
                  std::to_string(table.validation_subjects) +
                  (table.validation_subjects == 1 ? " validation subject" : " validation subjects") + " over seeds " +
                  list_of(table.seeds) + ", which are the search's own. No test subject has a part in it.");
  if (table.others_tried > 0)
    lines.push_back("Other searches of this study tried " + data::counted(table.others_tried, "candidate") +
                    " beside these; what they found may have been tested before.");
  if (table.validation_subjects < kFewValidationSubjects)
    lines.push_back("Fewer than " + std::to_string(kFewValidationSubjects) +
                    " validation subjects: what is best on them need not be best on others.");
  if (table.labels == "automatic")
    lines.push_back(
        "Validated on automatic labels: what agrees best with a program need not agree best with a person.");
  return lines;
}

Report search_report(const SearchTable& table) {
  nlohmann::ordered_json all = json(table);
  nlohmann::ordered_json repeatable = all.at("candidates");
  for (nlohmann::ordered_json& row : repeatable) row.erase("seconds");
  TextTable exact_rows = in_full(repeatable);
  return {.table = readable(table), .notes = notes(table), .exact = std::move(exact_rows), .json = std::move(all)};
}

std::vector<std::string> render_search(const std::vector<std::filesystem::path>& databases,
                                       const std::vector<std::string>& formats, const std::string& study) {
  return render(formats, [&] { return search_report(read_search(databases, study)); });
}

std::string render_search(const std::vector<std::filesystem::path>& databases, const std::string& format,
                          const std::string& study) {
  return render_search(databases, std::vector{format}, study).front();
}

std::string found_settings(const std::vector<std::filesystem::path>& databases, const std::string& study,
                           const std::string& variant) {
  const SearchTable table = read_search(databases, study);
  std::string rows;
  for (const SearchedPoint& point : ranked(table.points)) {
    if (point.variant.empty()) continue;
    if (variant.empty() || point.variant == variant) return point.settings;
    rows += (rows.empty() ? "'" : ", '") + point.variant + "'";
  }
  throw std::runtime_error(rows.empty() ? "the search of study '" + table.study + "' has found nothing yet"
                                        : "'" + variant + "' was not found by the search of study '" + table.study +
                                              "', expected " + rows);
}

}  // namespace crossfade::analysis
