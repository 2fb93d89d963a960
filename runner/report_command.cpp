#include <iostream>
#include <memory>

#include "analysis/figure1.hpp"
#include "analysis/report.hpp"
#include "runner/commands.hpp"

namespace crossfade::runner {
namespace {

struct ReportOptions {
  std::filesystem::path results;
  std::string study;
  std::string what;
  std::string format = "text";
  std::filesystem::path output;
};

void add_source(CLI::App& command, ReportOptions& options) {
  command.add_option("--results", options.results, "results database")->type_name("FILE.sqlite")->required();
  command.add_option("--study", options.study, "study in the database (default: the latest)")->type_name("NAME");
}

}  // namespace

Action add_report(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  options->what = "table1";
  CLI::App* command = app.add_subcommand("report", "Print a table of a results database");
  command->add_option("what", options->what, "which table")->check(CLI::IsMember({"table1"}))->capture_default_str();
  add_source(*command, *options);
  command->add_option("--format", options->format, "text, markdown, csv, json or latex")
      ->check(CLI::IsMember(analysis::report_formats()))
      ->capture_default_str();
  return [options] {
    std::cout << analysis::render_table1(options->results, options->format, options->study) << std::flush;
    return 0;
  };
}

Action add_plot(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  options->what = "figure1";
  CLI::App* command = app.add_subcommand("plot", "Draw a figure of a results database as SVG, PNG and PDF");
  command->add_option("what", options->what, "which figure")->check(CLI::IsMember({"figure1"}))->capture_default_str();
  add_source(*command, *options);
  command->add_option("--output", options->output, "path without ending (default: the figure's name, here)")
      ->type_name("STEM");
  return [options] {
    const std::filesystem::path stem = options->output.empty() ? std::filesystem::path(options->what) : options->output;
    for (const auto& file : analysis::plot_figure1(options->results, stem, options->study))
      std::cout << file.string() << '\n';
    return 0;
  };
}

}  // namespace crossfade::runner
