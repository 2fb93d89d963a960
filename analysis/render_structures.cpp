#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/rendering.hpp"
#include "analysis/report.hpp"
#include "analysis/structures.hpp"

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
  return std::isnan(p) || table.can_be_significant ? p_digits(p) : "n too small";
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
      cells.insert(cells.end(),
                   {dice_cell(dice.finetuned), signed_digits(dice.difference), p_cell(table, dice.p_holm)});
    cells.push_back(std::to_string(dice.subjects.size()));
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::vector<std::string> notes(const StructureTable& table) {
  std::vector<std::string> lines = {study_note(table.study + ", variant " + table.variant, table.caption)};
  lines.push_back("Mean Dice over test subjects, each the mean over its seeds.");
  if (!table.finetuned) return lines;
  lines.push_back(
      "p: exact two-sided Wilcoxon signed-rank test of fine-tuned against pre-trained, paired by subject, corrected "
      "over the structures by Holm's method.");
  if (!table.can_be_significant)
    lines.push_back("With " + std::to_string(table.subjects) +
                    " subjects no p can reach 0.05 after that correction, whatever the differences.");
  return lines;
}

nlohmann::ordered_json json(const StructureTable& table) {
  nlohmann::ordered_json out = {{"study", table.study},
                                {"variant", table.variant},
                                {"caption", table.caption},
                                {"subjects", table.subjects},
                                {"can_be_significant", table.can_be_significant},
                                {"structures", nlohmann::ordered_json::array()}};
  for (const StructureDice& dice : ranked(table))
    out["structures"].push_back({{"structure", dice.structure},
                                 {"subjects", dice.subjects.size()},
                                 {"pretrained_dice", mean_of(dice.pretrained)},
                                 {"finetuned_dice", mean_of(dice.finetuned)},
                                 {"difference", dice.difference},
                                 {"p", dice.p},
                                 {"p_holm", dice.p_holm}});
  return out;
}

}  // namespace

std::string render_structures(const std::vector<std::filesystem::path>& databases, const std::string& format,
                              const std::string& study, const std::string& variant) {
  return render(format, [&] {
    const StructureTable table = read_structures(databases, study, variant);
    nlohmann::ordered_json all = json(table);
    TextTable exact = in_full(all.at("structures"));
    return Report{.table = readable(table), .notes = notes(table), .exact = std::move(exact), .json = std::move(all)};
  });
}

}  // namespace crossfade::analysis
