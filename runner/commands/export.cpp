#include <iostream>
#include <memory>

#include "analysis/export/export.hpp"
#include "runner/commands/commands.hpp"

namespace crossfade::runner {
namespace {

struct ExportOptions {
  std::string what;
  std::vector<std::filesystem::path> results;
  std::string study;
  std::filesystem::path output;
};

}  // namespace

Action add_export(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "Write a study for TensorBoard, or as tidy CSV");
  command
      ->add_option("what", options->what,
                   "tensorboard: an event file a trial, with its scalars and hyperparameters; csv: a row an epoch, a "
                   "term of the loss in an epoch, a score")
      ->check(CLI::IsMember({"tensorboard", "csv"}))
      ->required();
  command
      ->add_option("--results", options->results,
                   "results database; several that hold parts of one study are read as one")
      ->type_name("FILE.sqlite")
      ->required();
  command->add_option("--study", options->study, "study in the database (default: the latest)")->type_name("NAME");
  command->add_option("--output", options->output, "folder that they are written to")->type_name("DIR")->required();
  return [options] {
    const auto written = options->what == "csv"
                             ? analysis::export_csv(options->results, options->output, options->study)
                             : analysis::export_tensorboard(options->results, options->output, options->study);
    for (const auto& path : written) std::cout << path.string() << '\n';
    std::cout << std::flush;
    return 0;
  };
}

}  // namespace crossfade::runner
