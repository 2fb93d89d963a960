#include <algorithm>

#include "analysis/tables/net_size.hpp"
#include "analysis/tables/paper_table1.hpp"
#include "analysis/tables/rendering.hpp"
#include "analysis/tables/report.hpp"
#include "analysis/tables/study_tables.hpp"
#include "analysis/tables/voxel_size.hpp"
#include "data/labels/classes.hpp"

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

/// Null counts as no value: older databases lack some columns.
std::vector<Row> values(const Table1& table, const std::string& column) {
  std::vector<Row> out;
  for (const Row& row : table.rows)
    if (row.contains(column) && !row.at(column).is_null()) out.push_back(row.at(column));
  return out;
}

bool all_alike(const Table1& table, const std::string& column) {
  const std::vector<Row> all = values(table, column);
  return std::ranges::all_of(all, [&](const Row& value) { return value == all.front(); });
}

bool one_net(const Table1& table) {
  return all_alike(table, "model") && all_alike(table, "parameters") && all_alike(table, "flops");
}

std::string gigaflops(const Row& flops) {
  return fixed(flops.get<double>() / 1e9, 2);
}

/// Whether the paper has any of these rows.
bool shows_paper(const Table1& table) {
  return !values(table, "paper_pretrained_dice").empty() || !values(table, "paper_finetuned_dice").empty();
}

/// A figure of the paper, in its own digits.
std::string paper_cell(const Row& row, const std::string& stage) {
  const Row& dice = row.at("paper_" + stage + "_dice");
  if (dice.is_null()) return "–";
  if (dice.is_string()) return dice.get<std::string>();
  return exact(dice.get<double>()) + " ± " + exact(row.at("paper_" + stage + "_sd").get<double>());
}

/// What a person reads: the paper's columns, with validation and the spread over seeds beside them.
TextTable readable(const Table1& table) {
  TextTable out;
  const bool models = !one_net(table);  // one for all is said under the table
  const bool flops = models && !values(table, "flops").empty();
  const bool paper = shows_paper(table);
  const bool finetuned = any(table, "finetuned_dice") || any(table, "finetuned_validation_dice");
  const bool pretrained = !finetuned || any(table, "pretrained_dice") || any(table, "pretrained_validation_dice");
  const auto add_stage = [&](const std::string& title) {
    out.columns.insert(out.columns.end(), {{title, true}, {"Validation", true}, {"Sd over seeds", true}});
  };
  out.columns = {{"Variant"}};
  if (models) out.columns.push_back({"Model"});
  out.columns.push_back({"Loss"});
  if (models) out.columns.push_back({"Parameters", true});
  if (flops) out.columns.push_back({"GFLOPs", true});
  if (pretrained) add_stage("Pre-Trained");
  if (finetuned) add_stage("Fine-Tuned");
  out.columns.push_back({"Converged", true});
  if (paper) out.columns.insert(out.columns.end(), {{"Paper, Pre-Trained", true}, {"Paper, Fine-Tuned", true}});

  for (const Row& row : table.rows) {
    std::vector<std::string> cells = {row.at("variant").get<std::string>()};
    if (models) cells.push_back(row.at("model").get<std::string>());
    cells.push_back(row.at("loss").get<std::string>());
    const auto parameters = row.at("parameters").get<std::int64_t>();
    if (models) cells.push_back(parameters == 0 ? "–" : grouped(parameters));
    if (flops) cells.push_back(row.at("flops").is_null() ? "–" : gigaflops(row.at("flops")));
    const auto add = [&](const std::string& stage) {
      std::ranges::copy(stage_cells(row, stage), std::back_inserter(cells));
    };
    if (pretrained) add("pretrained");
    if (finetuned) add("finetuned");
    cells.push_back(std::to_string(row.at("converged").get<int>()) + " of " +
                    std::to_string(row.at("trials").get<int>()));
    if (paper) cells.insert(cells.end(), {paper_cell(row, "pretrained"), paper_cell(row, "finetuned")});
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

std::string net_note(const Table1& table) {
  const std::vector<Row> flops = values(table, "flops");
  const std::string counted = "of the forward pass on one slice, convolutions alone";
  if (!one_net(table)) return flops.empty() ? "" : "GFLOPs: " + counted + ".";
  const auto parameters = table.rows[0].at("parameters").get<std::int64_t>();
  return "Model: " + table.rows[0].at("model").get<std::string>() +
         (parameters == 0 ? "" : ", " + grouped(parameters) + " parameters") +
         (flops.empty() ? "" : ", " + gigaflops(flops[0]) + " GFLOPs (" + counted + ")") + ".";
}

std::string unlike_nets_note(const Table1& table) {
  std::vector<std::int64_t> parameters;
  for (const Row& row : table.rows) parameters.push_back(row.at("parameters").get<std::int64_t>());
  return unlike_size_note(parameters);
}

/// Sentences under the table: the study's caption, how its figures are made, what is missing.
std::vector<std::string> notes(const Table1& table) {
  std::vector<std::string> lines;
  if (!table.caption.empty()) lines.push_back(study_note(table.study, table.caption));
  if (table.rows.empty()) return lines;
  lines.push_back("Hard Dice on the test part" + grid_words(table.voxel_mm) +
                  ": per subject the mean over structures, then over seeds; then mean ± sample sd over subjects (" +
                  range(table, "subjects") + "). Seeds: " + range(table, "seeds") +
                  ". Validation: the same on the validation part, on the labels that the stage is validated on, "
                  "automatic or manual.");
  lines.push_back(
      "Sd over seeds: of the mean over test subjects. Converged: trials with a finite loss and a best "
      "validation Dice of at least 0.10; those that did not are in the means.");
  for (const std::string& note : {table.persons, net_note(table), unlike_nets_note(table)})
    if (!note.empty()) lines.push_back(note);
  if (shows_paper(table))
    lines.push_back(
        "Paper: Dice as printed in Table 1 of Hegde, Kaku et al., Scheduling Cross Entropy and Dice Loss for Optimal "
        "Training of Segmentation Models, on the MICCAI-2012 test scans, of nets pre-trained on real scans with "
        "FreeSurfer's labels. Other scans and other nets than ours: not comparable one to one.");
  for (const Row& row : table.rows)
    if (const int early = row.at("ended_early").get<int>(); early > 0)
      lines.push_back("Ended early, out of patience: " + std::to_string(early) + " of " +
                      std::to_string(row.at("trials").get<int>()) + " trials of '" +
                      row.at("variant").get<std::string>() + "'.");
  if (table.finished < table.planned)
    lines.push_back(std::to_string(table.finished) + " of " + std::to_string(table.planned) + " trials finished" +
                    (table.failed > 0 ? ", " + std::to_string(table.failed) + " failed" : "") + ".");
  return lines;
}

nlohmann::ordered_json json(const Table1& table) {
  nlohmann::ordered_json out;
  out["study"] = table.study;
  out["caption"] = table.caption;
  out["trials_finished"] = table.finished;
  out["trials_failed"] = table.failed;
  out["trials_planned"] = table.planned;
  out["voxel_mm"] = table.voxel_mm;
  out["rows"] = table.rows;
  return out;
}

}  // namespace

Report table1_report(Table1 table, bool with_paper) {
  if (with_paper && (table.classes.empty() || table.classes == data::brain_classes().names)) add_paper(table);
  return {.table = readable(table),
          .notes = notes(table),
          .exact = in_full(table.rows, table.columns),
          .json = json(table)};
}

std::vector<std::string> render_table1(const std::vector<std::filesystem::path>& databases,
                                       const std::vector<std::string>& formats, const std::string& study,
                                       bool with_paper) {
  return render(formats, [&] { return table1_report(read_table1(databases, study), with_paper); });
}

std::string render_table1(const std::vector<std::filesystem::path>& databases, const std::string& format,
                          const std::string& study, bool with_paper) {
  return render_table1(databases, std::vector{format}, study, with_paper).front();
}

}  // namespace crossfade::analysis
