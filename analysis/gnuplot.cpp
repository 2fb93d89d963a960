#include "analysis/gnuplot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "analysis/text_table.hpp"

namespace crossfade::analysis {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// A file without a name: it goes with its handle, and unlike a pipe it can't fill up and block.
File nameless_file() {
  File file(std::tmpfile(), &std::fclose);
  if (!file) throw std::runtime_error(std::string("no temporary file for gnuplot: ") + std::strerror(errno));
  return file;
}

std::string content(std::FILE* file) {
  std::string out;
  std::rewind(file);
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) out.append(buffer, n);
  return out;
}

/// Gnuplot's words in one line, without the command that it repeats before them and the caret below that.
std::string complaint(const std::string& said) {
  std::istringstream in(said);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line.starts_with("gnuplot>") || line.substr(first) == "^") continue;
    out += (out.empty() ? "" : "; ") + line.substr(first);
  }
  return one_line(out);
}

}  // namespace

std::string gnuplot_quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : one_line(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalpha(byte) != 0 || c == ' ') {
      out += c;
    } else {
      char octal[8];
      std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned>(byte));
      out += octal;
    }
  }
  return out + '"';
}

void run_gnuplot(const std::string& script) {
  const File in = nameless_file(), said = nameless_file();
  if (std::fwrite(script.data(), 1, script.size(), in.get()) != script.size() || std::fflush(in.get()) != 0)
    throw std::runtime_error(std::string("can't write the script for gnuplot: ") + std::strerror(errno));
  std::rewind(in.get());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(said.get()), STDERR_FILENO);
  char program[] = "gnuplot", no_start_up_file[] = "-d";
  char* arguments[] = {program, no_start_up_file, nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw std::runtime_error(std::string("can't run gnuplot (") + std::strerror(failed) +
                             "); it is in Debian's package gnuplot-nox and must be on PATH");

  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error(std::string("lost gnuplot: ") + std::strerror(errno));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error("gnuplot failed (" +
                             (WIFEXITED(status) ? "status " + std::to_string(WEXITSTATUS(status))
                                                : "signal " + std::to_string(WTERMSIG(status))) +
                             "): " + complaint(content(said.get())));
}

}  // namespace crossfade::analysis
