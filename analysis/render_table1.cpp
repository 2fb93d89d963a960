#include <algorithm>
#include <stdexcept>

#include "analysis/report.hpp"
#include "analysis/table1.hpp"
#include "analysis/text_table.hpp"

namespace crossfade::analysis {
namespace {

using Row = nlohmann::ordered_json;

/// The paper's digits: 0.7602 ± 0.085. A lone subject has no spread.
std::string mean_and_sd(const Row& mean, const Row& sd) {
  if (mean.is_null()) return "–";
  const std::string digits = fixed(mean.get<double>(), 4);
  return sd.is_null() ? digits : digits + " ± " + fixed(sd.get<double>(), 3);
}

/// Cells of one stage ("pretrained", "finetuned") in one row: test, validation, spread over seeds.
std::vector<std::string> stage_cells(const Row& row, const std::string& stage) {
  const Row& converged = row.at(stage + "_converged");
  const bool none = !converged.is_null() && converged.get<int>() == 0;
  const Row& seed_sd = row.at(stage + "_seed_sd");
  return {none ? "did not converge" : mean_and_sd(row.at(stage + "_dice"), row.at(stage + "_sd")),
          mean_and_sd(row.at(stage + "_validation_dice"), row.at(stage + "_validation_sd")),
          seed_sd.is_null() ? "–" : fixed(seed_sd.get<double>(), 4)};
}

bool any(const Table1& table, const std::string& column) {
  return std::ranges::any_of(table.rows, [&](const Row& row) { return !row.at(column).is_null(); });
}

bool all_alike(const Table1& table, const std::string& column) {
  return std::ranges::all_of(table.rows, [&](const Row& row) { return row.at(column) == table.rows[0].at(column); });
}

/// What a person reads: the paper's columns, with validation and the spread over seeds beside them.
TextTable readable(const Table1& table) {
  TextTable out;
  const bool models = !all_alike(table, "model");  // one model for all is said under the table
  const bool finetuned = any(table, "finetuned_dice") || any(table, "finetuned_validation_dice");
  const bool pretrained = !finetuned || any(table, "pretrained_dice") || any(table, "pretrained_validation_dice");
  const auto add_stage = [&](const std::string& title) {
    out.columns.insert(out.columns.end(), {{title, true}, {"Validation", true}, {"Sd over seeds", true}});
  };
  out.columns = {{"Variant"}};
  if (models) out.columns.push_back({"Model"});
  out.columns.push_back({"Loss"});
  if (pretrained) add_stage("Pre-Trained");
  if (finetuned) add_stage("Fine-Tuned");
  out.columns.push_back({"Converged", true});

  for (const Row& row : table.rows) {
    std::vector<std::string> cells = {row.at("variant").get<std::string>()};
    if (models) cells.push_back(row.at("model").get<std::string>());
    cells.push_back(row.at("loss").get<std::string>());
    const auto add = [&](const std::string& stage) {
      std::ranges::copy(stage_cells(row, stage), std::back_inserter(cells));
    };
    if (pretrained) add("pretrained");
    if (finetuned) add("finetuned");
    cells.push_back(std::to_string(row.at("converged").get<int>()) + " of " +
                    std::to_string(row.at("trials").get<int>()));
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::string range(const Table1& table, const std::string& column) {
  int smallest = table.rows[0].at(column).get<int>(), largest = smallest;
  for (const Row& row : table.rows) {
    smallest = std::min(smallest, row.at(column).get<int>());
    largest = std::max(largest, row.at(column).get<int>());
  }
  return smallest == largest ? std::to_string(largest) : std::to_string(smallest) + " to " + std::to_string(largest);
}

std::string grouped(std::int64_t n) {
  std::string digits = std::to_string(n);
  for (auto at = static_cast<std::int64_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

/// Sentences under the table: the study's caption, how its figures are made, what is missing.
std::vector<std::string> notes(const Table1& table) {
  std::vector<std::string> lines;
  if (!table.caption.empty())
    lines.push_back("Study " + table.study + ": " + table.caption + (table.caption.ends_with('.') ? "" : "."));
  if (table.rows.empty()) return lines;
  std::string grid;
  for (const double mm : table.voxel_mm) {
    std::string digits = fixed(mm, 2);
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
    grid += (grid.empty() ? " on a grid of " : " and ") + digits;
  }
  if (!grid.empty()) grid += " mm voxels";
  lines.push_back("Hard Dice on the test part" + grid +
                  ": per subject the mean over structures, then over seeds; then mean ± sample sd over subjects (" +
                  range(table, "subjects") + "). Seeds: " + range(table, "seeds") +
                  ". Validation: the same on the validation part.");
  lines.push_back(
      "Sd over seeds: of the mean over test subjects. Converged: trials with a finite loss and a best "
      "validation Dice of at least 0.10; those that did not are in the means.");
  if (all_alike(table, "model") && all_alike(table, "parameters"))
    lines.push_back("Model: " + table.rows[0].at("model").get<std::string>() + ", " +
                    grouped(table.rows[0].at("parameters").get<std::int64_t>()) + " parameters.");
  if (table.finished < table.planned)
    lines.push_back(std::to_string(table.finished) + " of " + std::to_string(table.planned) + " trials finished" +
                    (table.failed > 0 ? ", " + std::to_string(table.failed) + " failed" : "") + ".");
  return lines;
}

std::string text(const Table1& table) {
  const std::string body = as_text(readable(table));
  const std::size_t columns = std::max<std::size_t>(80, width(body.substr(0, body.find('\n'))));
  std::string out = body + '\n';
  for (const auto& note : notes(table))
    for (const auto& line : wrapped(note, columns)) out += line + '\n';
  return out;
}

std::string markdown(const Table1& table) {
  std::string out = as_markdown(readable(table)) + '\n';
  for (const auto& line : notes(table)) out += markdown_escaped(line) + '\n';
  return out;
}

std::string latex(const Table1& table) {
  std::string caption;
  for (const auto& line : notes(table)) caption += (caption.empty() ? "" : " ") + latex_escaped(line);
  return "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n" + as_latex_tabular(readable(table)) + "\\caption{" +
         caption + "}\n\\end{table}\n";
}

std::string csv(const Table1& table) {
  std::string out;
  for (const auto& column : table.columns) out += (out.empty() ? "" : ",") + csv_field(column);
  out += '\n';
  for (const Row& row : table.rows) {
    std::string line;
    for (const auto& column : table.columns) {
      const Row& cell = row.at(column);
      if (&column != &table.columns.front()) line += ',';
      if (cell.is_string())
        line += csv_field(cell.get<std::string>());
      else if (!cell.is_null())
        line += cell.is_number_float() ? exact(cell.get<double>()) : cell.dump();
    }
    out += line + '\n';
  }
  return out;
}

std::string json(const Table1& table) {
  nlohmann::ordered_json out;
  out["study"] = table.study;
  out["caption"] = table.caption;
  out["trials_finished"] = table.finished;
  out["trials_failed"] = table.failed;
  out["trials_planned"] = table.planned;
  out["voxel_mm"] = table.voxel_mm;
  out["rows"] = table.rows;
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

using Renderer = std::string (*)(const Table1&);
const std::vector<std::pair<std::string, Renderer>> kRenderers = {
    {"text", text}, {"markdown", markdown}, {"csv", csv}, {"json", json}, {"latex", latex}};

}  // namespace

const std::vector<std::string>& report_formats() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    out.reserve(kRenderers.size());
    for (const auto& [name, render] : kRenderers) out.push_back(name);
    return out;
  }();
  return names;
}

std::string render_table1(const std::filesystem::path& database, const std::string& format, const std::string& study) {
  for (const auto& [name, render] : kRenderers)
    if (name == format) return render(read_table1(database, study));
  throw std::invalid_argument("unknown format '" + format + "' of a table; there is text, markdown, csv, json, latex");
}

}  // namespace crossfade::analysis
