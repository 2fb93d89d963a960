#include <iostream>
#include <memory>

#include "runner/commands/commands.hpp"
#include "runner/grid/grid.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/study/study.hpp"

namespace crossfade::runner {

Action add_grid_options(CLI::App& app) {
  auto options = std::make_shared<StudyOptions>();
  app.add_option("--grid", options->grid, "YAML file of the study; trains every trial that is not finished yet")
      ->type_name("FILE");
  app.add_option("--set", options->overrides, "override a key of the grid, e.g. --set optimizer.lr=1e-4; repeatable")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  app.add_option("--results", options->results, "results database (default: results/STUDY.sqlite)")
      ->type_name("FILE.sqlite");
  app.add_option("--cohorts", options->cohorts, "folder of prepared cohorts")->type_name("DIR")->capture_default_str();
  app.add_option("--progress", options->progress, "redraw a line a trial (bar), or a line an epoch (lines)")
      ->check(CLI::IsMember({"auto", "bar", "lines"}))
      ->capture_default_str();
  app.add_option("--log-steps", options->log_steps,
                 "append each training step's loss, gradient norm and learning rate to this file")
      ->type_name("FILE.csv");
  app.add_option("--profile", options->profile,
                 "write a trace of a few steps of the first training of rank 0 to this file, for ui.perfetto.dev")
      ->type_name("FILE.json");
  app.add_option("--only", options->only,
                 "run only the trials whose name (as --dry-run prints it) contains TEXT; repeatable")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_flag("!--no-share", options->share, "train each trial for itself, also what others train alike");
  app.add_flag(
         "--dry-run{list}", options->dry_run,
         "check the grid, print its trials and what they share; start nothing. With =measure prepare its cohorts and "
         "take a few steps of each kind of training: how long, how much disk?")
      ->check(CLI::IsMember({"list", "measure"}));
  return [options] { return run_in_world([&](World& world) { return run_study(world, *options); }); };
}

Action add_keys(CLI::App& app) {
  app.add_subcommand("keys", "Print every key of a grid with what it takes, its default and its meaning");
  return [] {
    std::cout << grid_reference() << std::flush;
    return 0;
  };
}

}  // namespace crossfade::runner
