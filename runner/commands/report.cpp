#include <iostream>
#include <memory>
#include <stdexcept>

#include "analysis/figures/figure1.hpp"
#include "analysis/figures/figure2.hpp"
#include "analysis/figures/search_figure.hpp"
#include "analysis/figures/slices_figure.hpp"
#include "analysis/tables/report.hpp"
#include "runner/commands/checks.hpp"
#include "runner/commands/commands.hpp"

namespace crossfade::runner {
namespace {

struct ReportOptions {
  std::vector<std::filesystem::path> results;
  std::string study;
  std::string variant;
  std::string than;
  std::string what;
  std::string format = "text";
  bool with_paper = false;
  std::filesystem::path output;
};

void add_source(CLI::App& command, ReportOptions& options) {
  command
      .add_option("--results", options.results,
                  "results database; several that hold parts of one study are read as one")
      ->type_name("FILE.sqlite")
      ->required();
  command.add_option("--study", options.study, "study in the database (default: the latest)")->type_name("NAME");
  command
      .add_option(
          "--variant", options.variant,
          "structures, figure2: which variant (default: the first that was fine-tuned, or if none was, the best on "
          "validation); schedule: which row that was found (default: the best); slices: it alone")
      ->type_name("NAME");
  command
      .add_option("--than", options.than,
                  "structures, figure2: compare it with this variant, such as its control, in place of its own "
                  "pre-trained stage")
      ->type_name("NAME");
}

/// Refuses what the chosen table or figure would leave unheard.
void check(const ReportOptions& options) {
  const bool by_structure = options.what == "structures" || options.what == "figure2";
  const auto refuse = [&](const std::string& option, const std::string& goes_with) {
    throw std::invalid_argument(option + " does not go with " + options.what + ", only with " + goes_with);
  };
  const bool by_variant = by_structure || options.what == "schedule" || options.what == "slices";
  if (!by_variant && !options.variant.empty()) refuse("--variant", "structures, schedule, figure2 and slices");
  if (!by_structure && !options.than.empty()) refuse("--than", "structures and figure2");
  if (options.what != "table1" && options.with_paper) refuse("--with-paper", "table1");
  const bool is_code = options.format == "yaml" || options.format == "python";
  if (options.what == "schedule" && !is_code && options.format != "text")
    throw std::invalid_argument("--format " + options.format + " does not go with schedule, only yaml and python");
  if (options.what != "schedule" && is_code) refuse("--format " + options.format, "schedule");
}

std::string report(const ReportOptions& options) {
  if (options.what == "structures")
    return analysis::render_structures(options.results, options.format, options.study, options.variant, options.than);
  if (options.what == "metrics") return analysis::render_metrics(options.results, options.format, options.study);
  if (options.what == "claims") return analysis::render_claims(options.results, options.format, options.study);
  if (options.what == "search") return analysis::render_search(options.results, options.format, options.study);
  if (options.what == "schedule" && options.format == "python")
    return analysis::schedule_for_monai(options.results, options.study, options.variant);
  if (options.what == "schedule") return analysis::found_settings(options.results, options.study, options.variant);
  return analysis::render_table1(options.results, options.format, options.study, options.with_paper);
}

}  // namespace

Action add_report(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  options->what = "table1";
  CLI::App* command = app.add_subcommand("report", "Print a table of a results database");
  command
      ->add_option("what", options->what,
                   "table1; metrics: Dice, HD95, surface Dice and volume difference; structures, ranked by what "
                   "fine-tuning gained; claims: which of the study's claims hold; search: what was tried and what it "
                   "cost; schedule: the settings that were found, as YAML for a grid")
      ->check(CLI::IsMember({"table1", "metrics", "structures", "claims", "search", "schedule"}))
      ->capture_default_str();
  add_source(*command, *options);
  std::vector<std::string> formats = analysis::report_formats();
  formats.insert(formats.end(), {"yaml", "python"});
  command
      ->add_option("--format", options->format,
                   "text, markdown, csv, json or latex; of schedule yaml (the default), or python: a loss for MONAI")
      ->check(CLI::IsMember(formats))
      ->capture_default_str();
  command->add_flag("--with-paper", options->with_paper, "table1: the paper's own figures beside ours");
  return [options] {
    check(*options);
    std::cout << report(*options) << std::flush;
    return 0;
  };
}

Action add_plot(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  options->what = "figure1";
  CLI::App* command = app.add_subcommand("plot", "Draw a figure of a results database as SVG, PNG and PDF");
  command
      ->add_option(
          "what", options->what,
          "figure1: Dice per epoch; figure2: Dice per structure; search: what was tried, and the best so far; slices: "
          "the worst, the median and the best test subject, truth beside prediction")
      ->check(CLI::IsMember({"figure1", "figure2", "search", "slices"}))
      ->capture_default_str();
  add_source(*command, *options);
  command->add_option("--output", options->output, "path without ending (default: the figure's name, here)")
      ->type_name("STEM")
      ->check(fault_of_stem);
  return [options] {
    check(*options);
    const std::filesystem::path stem = options->output.empty() ? std::filesystem::path(options->what) : options->output;
    const auto files = [&] {
      if (options->what == "figure1") return analysis::plot_figure1(options->results, stem, options->study);
      if (options->what == "search") return analysis::plot_search(options->results, stem, options->study);
      if (options->what == "slices")
        return analysis::plot_slices(options->results, stem, options->study, options->variant);
      return analysis::plot_figure2(options->results, stem, options->study, options->variant, options->than);
    }();
    for (const auto& file : files) std::cout << file.string() << '\n';
    return 0;
  };
}

}  // namespace crossfade::runner
