#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <thread>

#include "analysis/tables/status.hpp"
#include "runner/commands/commands.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

constexpr auto kRedraw = std::chrono::seconds(2), kRepeat = std::chrono::seconds(10);  // on a terminal; elsewhere

struct StatusOptions {
  fs::path results;
  std::string study;
  std::string format = "text";
  bool follow = false;
};

/// The database of results/ that was written last.
fs::path latest_database() {
  fs::path latest;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("results", error))
    if (entry.path().extension() == ".sqlite" &&
        (latest.empty() || entry.last_write_time() > fs::last_write_time(latest)))
      latest = entry.path();
  if (latest.empty()) throw std::invalid_argument("there is no results/*.sqlite here; expected --results FILE.sqlite");
  return latest;
}

int show(const StatusOptions& options) {
  const fs::path file = options.results.empty() ? latest_database() : options.results;
  const bool redraws = options.follow && options.format == "text" && isatty(STDOUT_FILENO) != 0;
  for (std::ptrdiff_t drawn = 0;;) {
    const analysis::StudyStatus status = analysis::study_status(file, options.study);
    const std::string text = analysis::render_status(status, options.format);
    if (redraws && drawn > 0) std::cout << "\x1b[" << drawn << "A\x1b[J";  // up so many lines, and clear what is below
    std::cout << text << std::flush;
    drawn = std::ranges::count(text, '\n');
    if (!options.follow || !status.is_running) return 0;
    std::this_thread::sleep_for(redraws ? kRedraw : kRepeat);
  }
}

}  // namespace

Action add_status(CLI::App& app) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command =
      app.add_subcommand("status", "How far a study is, what each group of ranks is at, and what failed");
  command->add_option("--results", options->results, "results database (default: the latest of results/)")
      ->type_name("FILE.sqlite");
  command->add_option("--study", options->study, "study in the database (default: the latest)")->type_name("NAME");
  command->add_flag("--follow", options->follow, "show it again and again, until nobody is at work on the study");
  command->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  return [options] { return show(*options); };
}

}  // namespace crossfade::runner
