#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "analysis/page/study_page.hpp"
#include "runner/commands/commands.hpp"

namespace crossfade::runner {
namespace {

struct PageCommand {
  std::vector<std::filesystem::path> results;
  std::string study;
  std::filesystem::path output = "study.html";
  analysis::PageOptions page;
};

}  // namespace

Action add_page(CLI::App& app) {
  auto options = std::make_shared<PageCommand>();
  CLI::App* command = app.add_subcommand("page", "Write a study as one HTML page that opens offline in any browser");
  command
      ->add_option("--results", options->results,
                   "results database; several that hold parts of one study are read as one")
      ->type_name("FILE.sqlite")
      ->required();
  command->add_option("--study", options->study, "study in the database (default: the latest)")->type_name("NAME");
  command->add_option("--output", options->output, "the page")->type_name("FILE.html")->capture_default_str();
  command->add_flag("--share", options->page.share, "leave out pictures, names of subjects, machines and paths");
  command->add_flag("--with-paper", options->page.with_paper, "the paper's own figures in Table 1");
  return [options] {
    for (const std::filesystem::path& results : options->results)
      if (std::error_code none; std::filesystem::equivalent(results, options->output, none))
        throw std::invalid_argument("--output " + options->output.string() +
                                    " is the results database itself, expected the name of a page, such as study.html");
    analysis::write_study_page(options->results, options->output, options->study, options->page);
    std::cout << options->output.string() << '\n' << std::flush;
    return 0;
  };
}

}  // namespace crossfade::runner
