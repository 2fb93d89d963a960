#include <iostream>
#include <memory>

#include "analysis/figures/regret_figure.hpp"
#include "runner/commands/commands.hpp"
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

int replay_all(const ReplayOptions& options) {
  const StudySearch found = known_search(options.results, options.study);
  const KnownSearch& known = found.known;
  std::vector<analysis::RegretCurve> curves;
  for (const std::string& method : options.methods) {
    std::vector<std::vector<ReplayStep>> replays;
    for (int r = 1; r <= options.replays; ++r) replays.push_back(replay(known, method, static_cast<std::uint64_t>(r)));
    analysis::RegretCurve& curve = curves.emplace_back();
    curve.method = method;
    for (const RegretQuartiles& at : regret_at_costs(known, replays))
      curve.points.push_back({at.epochs, at.low, at.median, at.high});
  }
  const std::string caption = std::to_string(options.replays) + " replays of a search whose " +
                              std::to_string(known.points.size()) + " points are all known, each with " +
                              std::to_string(known.search.seeds.size()) + " seeds drawn from them";
  for (const auto& file : analysis::plot_regret(curves, found.study, caption, options.output))
    std::cout << file.string() << '\n';
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
  command->add_option("--methods", options->methods, "which")
      ->check(CLI::IsMember({"branch", "grid", "random", "model"}))
      ->capture_default_str();
  command->add_option("--output", options->output, "path without ending")->type_name("STEM")->capture_default_str();
  return [options] { return replay_all(*options); };
}

}  // namespace crossfade::runner
