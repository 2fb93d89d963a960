// runner: reads results by itself, and becomes runner-torch, which has every command, for all else. LibTorch takes half
// a second to load.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>

#include "runner/commands/program.hpp"
#include "runner/process/exit_codes.hpp"

namespace {

using namespace crossfade::runner;

const Commands kReaders = {.groups = {{"What came out", {add_status, add_report, add_plot, add_page, add_export}}}};

bool is_reader(const std::string& word) {
  CLI::App app;
  for (const auto add : kReaders.groups.front().add) add(app);
  return std::ranges::any_of(app.get_subcommands({}),
                             [&](const CLI::App* command) { return command->get_name() == word; });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && is_reader(argv[1])) run_program(argc, argv, kReaders);
  const std::filesystem::path whole = std::filesystem::read_symlink("/proc/self/exe").replace_filename("runner-torch");
  execv(whole.c_str(), argv);
  std::cerr << "error: " << whole.string() << " can't be started (" << std::strerror(errno)
            << "); it has the commands that need LibTorch, and belongs beside runner\n";
  return kExitFailed;
}
