#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "analysis/results/scored_variant.hpp"
#include "analysis/scores/label_scores.hpp"
#include "data/utf8.hpp"
#include "runner/commands/checks.hpp"
#include "runner/commands/commands.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/log.hpp"
#include "runner/study/provenance.hpp"
#include "runner/study/remarks.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

struct ScoreOptions {
  fs::path labels, predictions;
  std::string name;
  std::string label_table = "freesurfer", prediction_table;
  std::string classes, prediction_classes, ignore;  // JSON, in place of the tables
  std::string format = "text";
  double minutes = 0;  // 0: not known
  fs::path results;
  std::string study;
  std::string column = "pretrained";
};

bool found_nothing(const analysis::Counts& counts) {
  for (std::size_t c = 1; c < counts.true_positive.size(); ++c)
    if (counts.true_positive[c] + counts.false_positive[c] > 0) return false;
  return true;
}

struct Tables {
  data::LabelTable labels, predictions;
};

Tables tables_of(const ScoreOptions& options) {
  if (options.classes.empty()) {
    if (!options.prediction_classes.empty() || !options.ignore.empty())
      throw std::runtime_error("--prediction-classes and --ignore go with --classes, which is missing");
    return {data::label_table(options.label_table), data::label_table(options.prediction_table)};
  }
  const std::string& predicted = options.prediction_classes.empty() ? options.classes : options.prediction_classes;
  return {data::own_label_table({options.classes, {}, options.ignore}), data::own_label_table({predicted, {}, {}})};
}

std::vector<analysis::SubjectScores> score_all(const ScoreOptions& options, const Tables& tables) {
  const analysis::PairedVolumes volumes = analysis::pair_volumes(options.labels, options.predictions);
  if (!volumes.without_prediction.empty()) {
    std::string names;
    for (const std::string& subject : volumes.without_prediction) names += (names.empty() ? "" : ", ") + subject;
    log_warning("left out, as there are labels but no prediction: " + names);
  }
  std::vector<analysis::SubjectScores> scores;
  for (const analysis::VolumePair& pair : volumes.pairs) {
    scores.push_back(analysis::score_volumes(pair, tables.labels, tables.predictions));
    if (found_nothing(scores.back().counts))
      log_warning(pair.prediction.string() + ": finds none of the structures, which scores Dice 0 for each");
    log_info(std::to_string(scores.size()) + " of " + std::to_string(volumes.pairs.size()) + " subjects  " +
             pair.subject);
  }
  std::vector<data::SubjectNotes> notes;
  for (const analysis::SubjectScores& score : scores)
    notes.push_back({.subject = score.subject, .image = {}, .labels = score.notes});
  log_remarks(data::remarks_on(notes), "");
  return scores;
}

void store(const ScoreOptions& options, const data::Classes& classes,
           const std::vector<analysis::SubjectScores>& scores) {
  nlohmann::json config = {{"labels", data::valid_utf8(options.labels.string())},
                           {"predictions", data::valid_utf8(options.predictions.string())},
                           {"label_table", options.label_table},
                           {"prediction_table", options.prediction_table},
                           {"surface_tolerance_mm", analysis::kSurfaceToleranceMm}};
  if (!options.classes.empty()) {
    config["label_table"] = options.classes;
    config["prediction_table"] = options.prediction_classes.empty() ? options.classes : options.prediction_classes;
  }
  const analysis::Coverage coverage = analysis::record_scored_variant(options.results, options.study,
                                                                      {.name = options.name,
                                                                       .role = options.column,
                                                                       .config = config.dump(),
                                                                       .subjects = scores,
                                                                       .seconds = 60 * options.minutes,
                                                                       .classes = classes},
                                                                      local_provenance());
  if (coverage.tested > 0)
    log_info("the scores cover " + std::to_string(coverage.covered) + " of the study's " +
             std::to_string(coverage.tested) + " test subjects");
}

int run(ScoreOptions options) {
  if (options.prediction_table.empty()) options.prediction_table = options.label_table;
  const Tables tables = tables_of(options);
  const data::Classes& classes = tables.labels.classes;
  if (!options.results.empty()) analysis::check_scored_variant(options.results, options.study, options.name, classes);
  const std::vector<analysis::SubjectScores> scores = score_all(options, tables);
  int code = 0;
  try {
    if (!options.results.empty()) store(options, classes, scores);
  } catch (const std::exception& error) {
    log_error(std::string("the scores below are not stored: ") + error.what());
    code = kExitFailed;
  }
  std::cout << analysis::render_label_scores(options.name, scores, classes, options.format) << std::flush;
  return code;
}

}  // namespace

Action add_score(CLI::App& app) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App* command = app.add_subcommand("score", "Score label volumes that another tool wrote, as nets are scored");
  command
      ->add_option(
          "--labels", options->labels,
          "folder of the true labels, SUBJECT.nii, .nii.gz, .mgz or .mgh, or pictures where there are none of these")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--predictions", options->predictions,
                   "folder of the tool's label volumes, named alike, on the grid of the labels")
      ->type_name("DIR")
      ->required();
  command->add_option("--name", options->name, "what made the predictions: a row of Table 1")
      ->type_name("NAME")
      ->check(fault_of_row)
      ->required();
  const CLI::Validator tables([](const std::string& text) { return data::label_table_fault(text); }, "TABLE");
  command
      ->add_option("--label-table", options->label_table,
                   "protocol of the labels' ids: freesurfer or miccai2012, or one of them 'without' some foldings")
      ->check(tables)
      ->capture_default_str();
  command
      ->add_option("--prediction-table", options->prediction_table,
                   "protocol of the predictions' ids (default: that of the labels)")
      ->check(tables);
  command
      ->add_option(
          "--classes", options->classes,
          "classes in place of label tables, JSON: {\"Anterior\": 1, \"Posterior\": [2, 3]}, names and their ids")
      ->type_name("JSON")
      ->excludes("--label-table", "--prediction-table");
  command
      ->add_option("--prediction-classes", options->prediction_classes,
                   "the same names with the predictions' ids (default: those of the labels)")
      ->type_name("JSON");
  command->add_option("--ignore", options->ignore, "ids of labels that count nowhere, JSON: [255]")->type_name("JSON");
  CLI::Option* results =
      command->add_option("--results", options->results, "store the scores in this results database, too")
          ->type_name("FILE.sqlite");
  command
      ->add_option("--study", options->study,
                   "study in the database (default: the latest); in a new file the name of the new one")
      ->type_name("NAME")
      ->needs(results);
  command->add_option("--column", options->column, "column of Table 1")
      ->check(CLI::IsMember({"pretrained", "finetuned"}))
      ->capture_default_str()
      ->needs(results);
  command->add_option("--minutes", options->minutes, "minutes that the tool takes for a scan, for the table of metrics")
      ->check(fault_of_positive)
      ->needs(results);
  command->add_option("--format", options->format, "text, csv or json")
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->capture_default_str();
  return [options] { return run(*options); };
}

}  // namespace crossfade::runner
