// runner: trains a grid of loss schedules, and reports on what it found.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <utility>
#include <vector>

#include "runner/agreement.hpp"
#include "runner/commands.hpp"
#include "runner/log.hpp"
#include "runner/provenance.hpp"

namespace {

/// This process's rank under mpirun, before MPI is started: errors in the command line are said by rank 0 alone.
int launched_rank() {
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return rank == nullptr ? 0 : std::atoi(rank);
}

/// Each step frees the activations that the next one takes again: kept in the heap, their pages are not asked of the
/// kernel, and cleared by it, every time (a tenth of a training step at 128 x 128).
void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace crossfade::runner;
  keep_freed_memory();
  const bool speaks = launched_rank() == 0;
  start_log(speaks);

  CLI::App app(
      "Crossfade: which segmentation loss, and when?\n"
      "Trains a grid of loss schedules:   mpirun -n 2 runner --grid experiments/table1.yaml\n"
      "docs/grid.md lists every key of a grid.",
      "runner");
  app.set_version_flag("--version", version());
  app.require_subcommand(0, 1);
  const Action run_grid = add_grid_options(app);
  std::vector<std::pair<const CLI::App*, Action>> commands;
  for (const auto add : {add_prepare, add_report, add_plot, add_evaluate}) {
    Action action = add(app);
    commands.emplace_back(app.get_subcommands({}).back(), std::move(action));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostream silent(nullptr);
    return speaks ? app.exit(error) : app.exit(error, silent, silent);
  }
  try {
    for (const auto& [command, action] : commands) {
      if (command->parsed()) return action();
    }
    if (app.count("--grid") == 0) {
      if (speaks) std::cerr << app.help();
      return 2;
    }
    return run_grid();
  } catch (const SpokenElsewhere&) {
    return 1;
  } catch (const std::exception& error) {
    log_error(error.what());
    return 1;
  }
}
