#include "runner/commands/program.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runner/grid/spelling.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/interrupt.hpp"
#include "runner/process/log.hpp"
#include "runner/process/memory.hpp"
#include "runner/process/open_files.hpp"
#include "runner/process/version.hpp"
#include "runner/ranks/agreement.hpp"

namespace crossfade::runner {
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
    log_error("what was to be printed could not be written: standard output is full or closed");
    code = kExitFailed;
  }
  if (code != 0 && launched("OMPI_COMM_WORLD_SIZE", 1) > 1) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  return code;
}

constexpr const char* kExamples =
    "Examples:\n"
    "  mpirun -n 2 runner --grid mine.yaml --dry-run                  check a grid, print its trials\n"
    "  runner keys | less                                             every key of a grid\n"
    "  runner prepare --labels labelmaps --output cohorts/heads       shards from label maps, and how they look\n"
    "  runner status --follow                                         how far is it?\n"
    "  runner report claims --results results/mine.sqlite             what holds\n"
    "  runner plot figure2 --results results/mine.sqlite              Dice per structure\n"
    "  runner page --results results/mine.sqlite --share              all of it as one HTML file, to pass on\n"
    "  runner export tensorboard --results results/mine.sqlite --output runs\n"
    "  runner replay --results results/mine.sqlite                    which method of search would have been sooner?\n"
    "  runner evaluate --checkpoint best.safetensors --shards cohorts/heads-HASH\n"
    "  runner predict --checkpoint best.safetensors --images scans --output labels\n"
    "  runner score --labels manual --predictions aseg --name FreeSurfer --results results/mine.sqlite\n"
    "`runner keys` and docs/grid.md list every key of a grid; `runner COMMAND --help` the options of a command.";

/// A line that names the nearest to the first word that `app`, or the command among the words, does not know.
std::string nearest(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* of = &app;
  for (const std::string& word : words) {
    std::vector<std::string> known;
    if (word.starts_with("--")) {
      const std::string name = word.substr(0, word.find('='));
      for (const CLI::Option* option : of->get_options())
        for (const std::string& long_name : option->get_lnames()) known.push_back("--" + long_name);
      if (std::ranges::find(known, name) == known.end())
        if (const std::string near = did_you_mean(name, known); !near.empty()) return name + near + "\n";
      continue;
    }
    if (of != &app) continue;
    for (const CLI::App* command : app.get_subcommands(nullptr)) known.push_back(command->get_name());
    if (std::ranges::find(known, word) != known.end())
      of = app.get_subcommand(word);
    else if (const std::string near = did_you_mean(word, known); !near.empty())
      return word + near + "\n";
  }
  return {};
}

/// The exit code of this rank.
int run(int argc, char** argv, const Commands& commands) {
  keep_freed_memory();
  allow_open_files();
  const bool speaks = launched("OMPI_COMM_WORLD_RANK", 0) == 0;
  start_log(speaks);
  end_at_interrupts();

  CLI::App app(
      "Crossfade: which segmentation loss, and when?\n"
      "Trains a grid of loss schedules:   mpirun -n 2 runner --grid experiments/table1.yaml",
      "runner");
  app.footer(kExamples);
  app.set_version_flag("--version", version());
  app.require_subcommand(0, 1);
  const Action run_grid = commands.grid == nullptr ? nullptr : commands.grid(app);
  std::vector<std::pair<const CLI::App*, Action>> actions;
  for (const auto& [group, additions] : commands.groups)
    for (const auto add : additions) {
      Action action = add(app);
      CLI::App* command = app.get_subcommands({}).back();
      command->group(group);
      actions.emplace_back(command, std::move(action));
    }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostream silent(nullptr);
    const std::string near = error.get_exit_code() == 0 ? "" : nearest(app, {argv + 1, argv + argc});
    if (speaks && !near.empty()) std::cerr << "not known: " << near << "Run with --help for more information.\n";
    const int code = speaks && near.empty() ? app.exit(error) : app.exit(error, silent, silent);
    return leave(code == 0 ? 0 : kExitRefused);  // 0: --help, --version
  }
  try {
    for (const auto& [command, action] : actions) {
      if (command->parsed()) return leave(action());
    }
    if (!run_grid || app.count("--grid") == 0) {
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

}  // namespace

void run_program(int argc, char** argv, const Commands& commands) {
  const int code = run(argc, argv, commands);
  std::fflush(nullptr);
  std::quick_exit(code);  // LibTorch's destructors of static objects take a third of a short command's time
}

}  // namespace crossfade::runner
