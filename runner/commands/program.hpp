// The command line of a program that has some of the commands.
#pragma once

#include <vector>

#include "runner/commands/commands.hpp"

namespace crossfade::runner {

struct CommandGroup {
  const char* name;  // a heading of --help
  std::vector<Action (*)(CLI::App&)> add;
};

struct Commands {
  std::vector<CommandGroup> groups;
  Action (*grid)(CLI::App&) = nullptr;  // what runs without a command; none: nothing does
};

/// Reads the command line, does what it asks for and ends this process with the exit code.
[[noreturn]] void run_program(int argc, char** argv, const Commands& commands);

}  // namespace crossfade::runner
