#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "analysis/report.hpp"
#include "analysis/structures.hpp"
#include "analysis/text_table.hpp"

namespace crossfade::analysis {
namespace {

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());  // not a number for none
}

std::string dice_cell(const std::vector<double>& values) {
  return values.empty() ? "–" : fixed(mean_of(values), 4);
}

std::string p_cell(const StructureTable& table, double p) {
  if (std::isnan(p)) return "–";
  if (!table.can_be_significant) return "n too small";
  return p < 0.0001 ? "< 0.0001" : fixed(p, 4);
}

std::string signed_cell(double difference) {
  return std::isnan(difference) ? "–" : (difference < 0 ? "" : "+") + fixed(difference, 4);
}

/// Largest gain first; in a study without fine-tuning, best Dice first.
std::vector<StructureDice> ranked(const StructureTable& table) {
  std::vector<StructureDice> rows = table.structures;
  const auto key = [&](const StructureDice& dice) {
    const double value = table.finetuned ? dice.difference : mean_of(dice.pretrained);
    return std::isnan(value) ? -2 : value;
  };
  std::ranges::stable_sort(rows, std::greater<>(), key);
  return rows;
}

TextTable readable(const StructureTable& table) {
  TextTable out;
  out.columns = {{"Structure"}, {"Pre-Trained", true}};
  if (table.finetuned)
    out.columns.insert(out.columns.end(), {{"Fine-Tuned", true}, {"Difference", true}, {"p (Holm)", true}});
  out.columns.push_back({"Subjects", true});
  for (const StructureDice& dice : ranked(table)) {
    std::vector<std::string> cells = {dice.structure, dice_cell(dice.pretrained)};
    if (table.finetuned)
      cells.insert(cells.end(), {dice_cell(dice.finetuned), signed_cell(dice.difference), p_cell(table, dice.p_holm)});
    cells.push_back(std::to_string(dice.subjects.size()));
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::vector<std::string> notes(const StructureTable& table) {
  std::vector<std::string> lines = {"Study " + table.study + ", variant " + table.variant +
                                    (table.caption.empty() ? "" : ": " + table.caption) +
                                    (table.caption.ends_with('.') ? "" : ".")};
  lines.push_back("Mean Dice over test subjects, each the mean over its seeds.");
  if (!table.finetuned) return lines;
  lines.push_back(
      "p: exact two-sided Wilcoxon signed-rank test of fine-tuned against pre-trained, paired by subject, corrected "
      "over "
      "the structures by Holm's method.");
  if (!table.can_be_significant)
    lines.push_back("With " + std::to_string(table.subjects) +
                    " subjects no p can reach 0.05 after that correction, whatever the differences.");
  return lines;
}

std::string text(const StructureTable& table) {
  std::string out = as_text(readable(table)) + '\n';
  for (const auto& note : notes(table))
    for (const auto& line : wrapped(note, 90)) out += line + '\n';
  return out;
}

std::string markdown(const StructureTable& table) {
  std::string out = as_markdown(readable(table)) + '\n';
  for (const auto& line : notes(table)) out += markdown_escaped(line) + '\n';
  return out;
}

std::string latex(const StructureTable& table) {
  std::string caption;
  for (const auto& line : notes(table)) caption += (caption.empty() ? "" : " ") + latex_escaped(line);
  return "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n" + as_latex_tabular(readable(table)) + "\\caption{" +
         caption + "}\n\\end{table}\n";
}

std::string csv(const StructureTable& table) {
  std::string out = "structure,subjects,pretrained_dice,finetuned_dice,difference,p,p_holm\n";
  for (const StructureDice& dice : ranked(table))
    out += dice.structure + ',' + std::to_string(dice.subjects.size()) + ',' + exact(mean_of(dice.pretrained)) + ',' +
           exact(mean_of(dice.finetuned)) + ',' + exact(dice.difference) + ',' + exact(dice.p) + ',' +
           exact(dice.p_holm) + '\n';
  return out;
}

std::string json(const StructureTable& table) {
  const auto number = [](double value) {
    return std::isnan(value) ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
  };
  nlohmann::ordered_json out = {{"study", table.study},
                                {"variant", table.variant},
                                {"caption", table.caption},
                                {"subjects", table.subjects},
                                {"can_be_significant", table.can_be_significant},
                                {"structures", nlohmann::ordered_json::array()}};
  for (const StructureDice& dice : ranked(table))
    out["structures"].push_back({{"structure", dice.structure},
                                 {"subjects", dice.subjects.size()},
                                 {"pretrained_dice", number(mean_of(dice.pretrained))},
                                 {"finetuned_dice", number(mean_of(dice.finetuned))},
                                 {"difference", number(dice.difference)},
                                 {"p", number(dice.p)},
                                 {"p_holm", number(dice.p_holm)}});
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string render_structures(const std::filesystem::path& database, const std::string& format,
                              const std::string& study, const std::string& variant) {
  const StructureTable table = read_structures(database, study, variant);
  if (format == "text") return text(table);
  if (format == "markdown") return markdown(table);
  if (format == "csv") return csv(table);
  if (format == "json") return json(table);
  if (format == "latex") return latex(table);
  throw std::invalid_argument("unknown format '" + format + "' of a table; there is text, markdown, csv, json, latex");
}

}  // namespace crossfade::analysis
