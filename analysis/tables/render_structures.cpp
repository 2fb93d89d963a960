#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/tables/net_size.hpp"
#include "analysis/tables/rendering.hpp"
#include "analysis/tables/report.hpp"
#include "analysis/tables/score_summary.hpp"
#include "analysis/tables/structures.hpp"

namespace crossfade::analysis {
namespace {

bool compares(const StructureTable& table) {
  return table.sides.size() == 2;
}

double mean_of(const std::map<std::string, double>& subjects) {
  double sum = 0;
  for (const auto& [subject, dice] : subjects) sum += dice;
  return sum / static_cast<double>(subjects.size());  // not a number for none
}

/// Largest gain first; where nothing is compared, best Dice first.
std::vector<StructureDice> ranked(const StructureTable& table) {
  std::vector<StructureDice> rows = table.structures;
  const auto key = [&](const StructureDice& dice) {
    const double value = compares(table) ? dice.comparison.difference : mean_of(dice.sides.front());
    return std::isnan(value) ? -2 : value;
  };
  std::ranges::stable_sort(rows, std::greater<>(), key);
  return rows;
}

TextTable readable(const StructureTable& table) {
  TextTable out;
  out.columns = {{"Structure"}};
  for (const StructureSide& side : table.sides) out.columns.push_back({side.title, true});
  if (compares(table)) out.columns.insert(out.columns.end(), {{"Difference", true}, {"95 % interval", true}});
  out.columns.push_back({"Sd over seeds", true});
  if (compares(table)) out.columns.push_back({"p (Holm)", true});
  out.columns.push_back({"Subjects", true});
  for (const StructureDice& dice : ranked(table)) {
    const Comparison& c = dice.comparison;
    std::vector<std::string> cells = {dice.structure};
    for (const auto& side : dice.sides) cells.push_back(score_cell(mean_of(side)));
    if (compares(table)) cells.insert(cells.end(), {signed_digits(c.difference), interval_digits(c.interval)});
    cells.push_back(score_cell(dice.seed_sd));
    if (compares(table)) cells.push_back(std::isnan(c.p) || !c.too_few ? p_digits(c.p_holm) : "n too small");
    cells.push_back(std::to_string(dice.sides.front().size()));
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::vector<std::string> notes(const StructureTable& table) {
  std::vector<std::string> lines = {study_note(table.study + ", variant " + table.variant, table.caption)};
  lines.push_back("Mean Dice over test subjects, each the mean over its seeds. Sd over seeds: of that mean" +
                  std::string(compares(table) ? ", the larger of the two columns'." : "."));
  if (!table.persons.empty()) lines.push_back(table.persons);
  if (!compares(table)) return lines;
  const bool stages = table.sides.front().key == "pretrained";
  lines.push_back(std::string("Difference: ") +
                  (stages ? "fine-tuned - pre-trained"
                          : "'" + table.sides[1].title + "' - '" + table.sides[0].title + "', both " +
                                (table.role == "finetuned" ? "fine-tuned" : "pre-trained")) +
                  ", paired by subject; its 95 % interval by bootstrap over subjects. p: exact two-sided Wilcoxon "
                  "signed-rank test" +
                  (table.structures.size() > 1 ? ", corrected over the " + std::to_string(table.structures.size()) +
                                                     " structures by Holm's method."
                                               : "."));
  if (std::ranges::any_of(table.structures, [](const StructureDice& dice) { return dice.comparison.too_few; }))
    lines.push_back("n too small: with so few subjects no p can reach 0.05" +
                    std::string(table.structures.size() > 1 ? " after that correction" : "") +
                    ", whatever the differences.");
  if (const std::string note = unlike_size_note(table.parameters); !note.empty()) lines.push_back(note);
  if (table.folds > 1) lines.push_back(folds_note(table.folds));
  return lines;
}

nlohmann::ordered_json json(const StructureTable& table) {
  nlohmann::ordered_json out = {{"study", table.study},     {"variant", table.variant},
                                {"caption", table.caption}, {"subjects", table.subjects},
                                {"folds", table.folds},     {"structures", nlohmann::ordered_json::array()}};
  const double none = std::numeric_limits<double>::quiet_NaN();
  for (const StructureDice& dice : ranked(table)) {
    const Comparison& c = dice.comparison;
    nlohmann::ordered_json row = {{"structure", dice.structure},
                                  {"subjects", dice.sides.front().size()},
                                  {"pretrained_dice", none},
                                  {"finetuned_dice", none},
                                  {"than_dice", none}};
    for (std::size_t s = 0; s < table.sides.size(); ++s) row[table.sides[s].key + "_dice"] = mean_of(dice.sides[s]);
    const auto compared = [&](double value) { return compares(table) ? value : none; };
    row["difference"] = compared(c.difference);
    row["low"] = compared(c.interval.low);
    row["high"] = compared(c.interval.high);
    row["seed_sd"] = dice.seed_sd;
    row["p"] = compared(c.p);
    row["p_holm"] = compared(c.p_holm);
    row["n_too_small"] = compares(table) && c.too_few;
    out["structures"].push_back(std::move(row));
  }
  return out;
}

}  // namespace

std::vector<std::string> render_structures(const std::vector<std::filesystem::path>& databases,
                                           const std::vector<std::string>& formats, const std::string& study,
                                           const std::string& variant, const std::string& than) {
  return render(formats, [&] {
    const StructureTable table = read_structures(databases, study, variant, than);
    nlohmann::ordered_json all = json(table);
    TextTable exact = in_full(all.at("structures"));
    return Report{.table = readable(table), .notes = notes(table), .exact = std::move(exact), .json = std::move(all)};
  });
}

std::string render_structures(const std::vector<std::filesystem::path>& databases, const std::string& format,
                              const std::string& study, const std::string& variant, const std::string& than) {
  return render_structures(databases, std::vector{format}, study, variant, than).front();
}

}  // namespace crossfade::analysis
