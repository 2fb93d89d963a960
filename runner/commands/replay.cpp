#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "analysis/figures/regret_figure.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/cores.hpp"
#include "runner/commands/checks.hpp"
#include "runner/commands/commands.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/log.hpp"
#include "runner/study/known_search.hpp"

namespace crossfade::runner {
namespace {

struct ReplayOptions {
  std::vector<std::filesystem::path> results;
  std::string study;
  int replays = 1000;
  std::vector<std::string> methods = {"branch", "grid", "random", "model"};
  std::filesystem::path output = "replay";
};

/// The methods that the known search can be tried again by. Of those that were `asked_for` none is left out.
std::vector<std::string> fitting_methods(const StudySearch& found, const std::vector<std::string>& methods,
                                         bool asked_for) {
  std::vector<std::string> fitting;
  for (const std::string& method : methods) {
    if (std::ranges::find(fitting, method) != fitting.end()) continue;  // named twice
    const std::string fault = replay_fault(found.known, method);
    if (fault.empty())
      fitting.push_back(method);
    else if (asked_for)
      throw std::runtime_error("the search of study '" + found.study + "' can't be replayed by method " + method +
                               ": " + fault);
    else
      log_warning("method " + method + " is left out: " + fault);
  }
  return fitting;
}

/// A core each, with one thread for the matrices of the model, which are too small to share.
std::vector<std::vector<ReplayStep>> replay_often(const KnownSearch& known, const std::string& method,
                                                  std::size_t count) {
  at::set_num_threads(1);
  const std::size_t cores = std::max<std::size_t>(1, data::usable_cores().size());
  std::vector<std::vector<ReplayStep>> replays(count);
  std::vector<std::future<void>> workers;
  for (std::size_t core = 0; core < cores; ++core)
    workers.push_back(std::async(std::launch::async, [&, core] {
      for (std::size_t r = core; r < count; r += cores) replays[r] = replay(known, method, r + 1);
    }));
  for (std::future<void>& worker : workers) worker.get();
  return replays;
}

analysis::RegretCurve curve_of(const KnownSearch& known, const std::string& method, int count) {
  const std::vector<std::vector<ReplayStep>> replays = replay_often(known, method, static_cast<std::size_t>(count));
  analysis::RegretCurve curve;
  curve.method = method;
  for (const RegretQuartiles& at : regret_at_costs(known, replays))
    curve.points.push_back({at.epochs, at.low, at.median, at.high});
  return curve;
}

/// Median regret of each method after parts of the epochs that all points take.
analysis::TextTable regret_table(const std::vector<analysis::RegretCurve>& curves) {
  double all = 0;
  for (const analysis::RegretCurve& curve : curves) all = std::max(all, curve.points.back().epochs);
  analysis::TextTable table{.columns = {{.title = "Median regret after"}}, .rows = {}};
  for (const analysis::RegretCurve& curve : curves) table.rows.push_back({curve.method});
  for (const double part : {0.125, 0.25, 0.5, 1.0}) {
    table.columns.push_back({.title = analysis::fixed(part * all, 0) + " epochs", .right = true});
    for (std::size_t c = 0; c < curves.size(); ++c) {
      const auto& points = curves[c].points;
      const auto behind = std::ranges::upper_bound(points, part * all, {}, &analysis::RegretPoint::epochs);
      table.rows[c].push_back(behind == points.begin() ? "–" : analysis::fixed(std::prev(behind)->median, 4));
    }
  }
  return table;
}

/// `asked_for`: whether the command line names the methods.
int replay_all(const ReplayOptions& options, bool asked_for) {
  const StudySearch found = known_search(options.results, options.study);
  const KnownSearch& known = found.known;
  std::vector<analysis::RegretCurve> curves;
  for (const std::string& method : fitting_methods(found, options.methods, asked_for))
    curves.push_back(curve_of(known, method, options.replays));
  const std::string caption = std::to_string(options.replays) + " replays of a search whose " +
                              std::to_string(known.points.size()) + " points are all known, each with " +
                              std::to_string(known.search.seeds.size()) + " seeds drawn from them";
  std::cout << analysis::as_markdown(regret_table(curves)) << '\n';
  try {
    for (const auto& file : analysis::plot_regret(curves, found.study, caption, options.output))
      std::cout << file.string() << '\n';
  } catch (const std::exception& error) {
    log_error(std::string("the replays are not drawn, or not all of their files: ") + error.what());
    return kExitFailed;
  }
  std::cout << std::flush;
  return 0;
}

}  // namespace

Action add_replay(CLI::App& app) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = app.add_subcommand(
      "replay", "Try a finished search of method grid again by each method, and draw how soon each finds a good point");
  command->add_option("--results", options->results, "results database")->type_name("FILE.sqlite")->required();
  command->add_option("--study", options->study, "study in the database (default: the latest)")->type_name("NAME");
  command->add_option("--replays", options->replays, "of each method, with seeds drawn anew")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  const CLI::Option* methods =
      command
          ->add_option("--methods", options->methods,
                       "which; unless it is named, branch is left out where the search lacks points that it needs")
          ->check(CLI::IsMember({"branch", "grid", "random", "model"}))
          ->capture_default_str();
  command->add_option("--output", options->output, "path without ending")
      ->type_name("STEM")
      ->check(fault_of_stem)
      ->capture_default_str();
  return [options, methods] { return replay_all(*options, methods->count() > 0); };
}

}  // namespace crossfade::runner
