// runner: trains a grid of loss schedules, and reports on what it found.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <utility>
#include <vector>

#include "runner/commands/commands.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/interrupt.hpp"
#include "runner/process/log.hpp"
#include "runner/process/memory.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/study/provenance.hpp"

namespace {

/// What mpirun says of this process before MPI is started; alone where there is no mpirun.
int launched(const char* variable, int alone) {
  const char* value = std::getenv(variable);
  return value == nullptr ? alone : std::atoi(value);
}

/// The exit code of this rank for that of the whole run, which all ranks agree on. mpirun answers the first code above
/// 0 by killing whoever is left, with pauses of seconds: so rank 0 alone has the code, and goes last.
int leave(int code) {
  if (launched("OMPI_COMM_WORLD_RANK", 0) != 0) return 0;
  if (code == 0 && !std::cout.flush()) {
    crossfade::runner::log_error("what was to be printed could not be written: standard output is full or closed");
    code = crossfade::runner::kExitFailed;
  }
  if (code != 0 && launched("OMPI_COMM_WORLD_SIZE", 1) > 1) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace crossfade::runner;
  keep_freed_memory();
  const bool speaks = launched("OMPI_COMM_WORLD_RANK", 0) == 0;
  start_log(speaks);
  end_at_interrupts();

  CLI::App app(
      "Crossfade: which segmentation loss, and when?\n"
      "Trains a grid of loss schedules:   mpirun -n 2 runner --grid experiments/table1.yaml\n"
      "`runner keys` and docs/grid.md list every key of a grid.",
      "runner");
  app.set_version_flag("--version", version());
  app.require_subcommand(0, 1);
  const Action run_grid = add_grid_options(app);
  std::vector<std::pair<const CLI::App*, Action>> commands;
  for (const auto add : {add_keys, add_prepare, add_report, add_plot, add_replay, add_evaluate, add_predict, add_score}) {
    Action action = add(app);
    commands.emplace_back(app.get_subcommands({}).back(), std::move(action));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostream silent(nullptr);
    const int code = speaks ? app.exit(error) : app.exit(error, silent, silent);
    return leave(code == 0 ? 0 : kExitRefused);  // 0: --help, --version
  }
  try {
    for (const auto& [command, action] : commands) {
      if (command->parsed()) return leave(action());
    }
    if (app.count("--grid") == 0) {
      if (speaks) std::cerr << app.help();
      return leave(kExitRefused);
    }
    return leave(run_grid());
  } catch (const SpokenElsewhere&) {
    return leave(kExitRefused);
  } catch (const std::exception& error) {
    log_error(error.what());
    return leave(kExitRefused);
  }
}
