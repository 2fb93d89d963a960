#include "analysis/tables/rendering.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "analysis/tables/report.hpp"

namespace crossfade::analysis {
namespace {

constexpr std::size_t kLeastWidth = 80;        // of notes
constexpr std::size_t kMostRowsOfAFloat = 40;  // that fit a page of LaTeX with their notes

std::string text(const Report& report) {
  const std::string body = as_text(report.table);
  const std::size_t columns = std::max(kLeastWidth, width(body.substr(0, body.find('\n'))));
  std::string out = body + '\n';
  for (const auto& note : report.notes)
    for (const auto& line : wrapped(note, columns)) out += line + '\n';
  return out;
}

std::string markdown(const Report& report) {
  std::string out = as_markdown(report.table) + '\n';
  for (const auto& note : report.notes) out += markdown_escaped(note) + '\n';
  return out;
}

std::string csv(const Report& report) {
  return as_csv(report.exact);
}

std::string json(const Report& report) {
  return report.json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string latex(const Report& report) {
  std::string caption;
  for (const auto& note : report.notes) caption += (caption.empty() ? "" : " ") + latex_escaped(note);
  if (report.table.rows.size() > kMostRowsOfAFloat)
    return "% \\usepackage{booktabs,longtable}\n" + as_latex_longtable(report.table, caption);
  return "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n" + as_latex_tabular(report.table) + "\\caption{" +
         caption + "}\n\\end{table}\n";
}

std::string exact_cell(const nlohmann::ordered_json& cell) {
  if (cell.is_null()) return {};
  if (cell.is_string()) return cell.get<std::string>();
  return cell.is_number_float() ? exact(cell.get<double>()) : cell.dump();
}

using Renderer = std::string (*)(const Report&);
const std::vector<std::pair<std::string, Renderer>> kRenderers = {
    {"text", text}, {"markdown", markdown}, {"csv", csv}, {"json", json}, {"latex", latex}};

}  // namespace

const std::vector<std::string>& report_formats() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    out.reserve(kRenderers.size());
    for (const auto& [name, renderer] : kRenderers) out.push_back(name);
    return out;
  }();
  return names;
}

std::vector<std::string> render(const std::vector<std::string>& formats, const std::function<Report()>& make) {
  std::vector<Renderer> renderers;
  for (const std::string& format : formats) {
    const auto found = std::ranges::find(kRenderers, format, &std::pair<std::string, Renderer>::first);
    if (found == kRenderers.end())
      throw std::invalid_argument("unknown format '" + format +
                                  "' of a table; there is text, markdown, csv, json, latex");
    renderers.push_back(found->second);
  }
  const Report report = make();
  std::vector<std::string> out;
  for (const Renderer renderer : renderers) out.push_back(renderer(report));
  return out;
}

TextTable in_full(const nlohmann::ordered_json& rows, std::vector<std::string> columns) {
  if (columns.empty() && !rows.empty())
    for (const auto& [key, cell] : rows.front().items()) columns.push_back(key);
  TextTable out;
  for (const auto& column : columns) out.columns.push_back({column});
  for (const auto& row : rows) {
    std::vector<std::string>& cells = out.rows.emplace_back();
    for (const auto& column : columns) cells.push_back(exact_cell(row.at(column)));
  }
  return out;
}

std::string study_note(const std::string& name, const std::string& caption) {
  return "Study " + name + (caption.empty() ? "" : ": " + caption) + (caption.ends_with('.') ? "" : ".");
}

std::string column_title(const std::string& role) {
  return role == "finetuned" ? "Fine-Tuned" : "Pre-Trained";
}

std::string p_digits(double p) {
  if (std::isnan(p)) return "–";
  return p < 0.0001 ? "< 0.0001" : fixed(p, 4);
}

std::string signed_digits(double difference) {
  if (std::isnan(difference)) return "–";
  return (difference < 0 ? "" : "+") + fixed(difference, 4);
}

std::string interval_digits(const Interval& interval) {
  return std::isnan(interval.low) ? "–" : signed_digits(interval.low) + " to " + signed_digits(interval.high);
}

std::string folds_note(int folds) {
  return "Each anatomy is tested in one of " + std::to_string(folds) +
         " folds, and the nets of two folds have training subjects in common: the differences are not independent, and "
         "p is too small by an amount that is not known.";
}

}  // namespace crossfade::analysis
