#include "data/program.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>

namespace crossfade::data {
namespace {

constexpr auto kPause = std::chrono::milliseconds(50);

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// A file without a name: it goes with its handle, and unlike a pipe it can't fill up and block.
File nameless_file(const std::string& program) {
  File file(std::tmpfile(), &std::fclose);
  if (!file) throw std::runtime_error("no temporary file for " + program + ": " + std::strerror(errno));
  return file;
}

std::string content(std::FILE* file) {
  std::string out;
  std::rewind(file);
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) out.append(buffer, n);
  return out;
}

pid_t start(const Command& command, std::FILE* in, std::FILE* said) {
  std::vector<std::string> words = command.words;
  std::vector<char*> arguments(words.size() + 1);  // the last is null
  std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (!command.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, command.folder.c_str());
  posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(said), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(said), STDERR_FILENO);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw std::runtime_error("can't run " + words.front() + " (" + std::strerror(failed) +
                             "); it is in Debian's package " + command.package + " and must be on PATH");
  return child;
}

/// Its status, once `child` has ended; with `options` WNOHANG perhaps nothing yet.
bool ended(pid_t child, int& status, int options, const std::string& program) {
  for (;;) {
    const pid_t found = waitpid(child, &status, options);
    if (found >= 0) return found == child;
    if (errno != EINTR) throw std::runtime_error("lost " + program + ": " + std::strerror(errno));
  }
}

}  // namespace

Ending run_program(const Command& command) {
  const std::string& program = command.words.front();
  const File in = nameless_file(program), said = nameless_file(program);
  if (std::fwrite(command.input.data(), 1, command.input.size(), in.get()) != command.input.size() ||
      std::fflush(in.get()) != 0)
    throw std::runtime_error("can't write the input of " + program + ": " + std::strerror(errno));
  std::rewind(in.get());

  const pid_t child = start(command, in.get(), said.get());
  Ending ending;
  int status = 0;
  while (!ended(child, status, command.stop_requested ? WNOHANG : 0, program)) {
    if (command.stop_requested()) {
      kill(child, SIGKILL);
      ended(child, status, 0, program);
      ending.stopped = true;
      break;
    }
    std::this_thread::sleep_for(kPause);
  }
  if (!WIFEXITED(status)) {
    // A terminal, and mpirun, send a signal to the whole process group: the program may have died of it first.
    ending.stopped = ending.stopped || (command.stop_requested && command.stop_requested());
    ending.failure = "signal " + std::to_string(WTERMSIG(status));
  } else if (WEXITSTATUS(status) != 0) {
    ending.failure = "status " + std::to_string(WEXITSTATUS(status));
  }
  ending.output = content(said.get());
  return ending;
}

}  // namespace crossfade::data
