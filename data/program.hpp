// Other programs that this one calls.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace crossfade::data {

struct Command {
  std::vector<std::string> words;             // the program, found on PATH, and its arguments
  std::string package;                        // of Debian, that has the program: for the message where it is missing
  std::string input = {};                     // what it reads from standard input
  std::string folder = {};                    // where it runs; empty: where this program does
  std::function<bool()> stop_requested = {};  // asked some twenty times a second; the program is ended once it says so
};

struct Ending {
  bool stopped = false;  // by stop_requested
  std::string failure;   // empty where the program ended with status 0, else "status 1" or "signal 9"
  std::string output;    // standard output and error, as they came
};

/// Runs a program to its end. Throws std::runtime_error where it can't be started.
Ending run_program(const Command& command);

}  // namespace crossfade::data
