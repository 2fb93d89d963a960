#include "runner/study/step_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "runner/grid/views.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

constexpr auto kHeader = "trial,stage,plane,step,loss,gradient_norm,learning_rate";

[[noreturn]] void fail(const fs::path& file, const std::string& reason) {
  throw std::runtime_error("--log-steps: cannot write " + file.string() + ": " + reason);
}

/// A field that a comma or a quote in it can't break.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + '"';
}

/// With as many digits as tell a double from its neighbours.
std::string digits(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 17).ptr;
  return {text.data(), end};
}

/// The first line of a file; empty where there is none.
std::string first_line(const fs::path& file) {
  std::string line;
  std::ifstream in(file);
  std::getline(in, line);
  return line;
}

/// The bytes of a file up to its last end of a line.
std::uintmax_t whole_lines(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::uintmax_t size = fs::file_size(file);
  while (size > 0 && in.seekg(static_cast<std::streamoff>(size - 1)).get() != '\n') --size;
  return size;
}

}  // namespace

void begin_step_log(const fs::path& file) {
  std::error_code error;
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), error);
  if (error) fail(file, error.message());
  const int descriptor = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(file, std::strerror(errno));
  close(descriptor);
  if (fs::file_size(file) > 0) {
    if (const std::string found = first_line(file); found != kHeader)
      throw std::runtime_error("--log-steps: " + file.string() + " is no log of steps: it begins with '" +
                               found.substr(0, 80) + "', expected '" + kHeader + "', or no such file yet");
    fs::resize_file(file, whole_lines(file));
  }
  if (fs::file_size(file) == 0) StepLog(file).append(std::string(kHeader) + '\n');
}

std::string step_line(const std::string& trial_name, const TrialConfig& trial, const TrialProgress& progress) {
  if (progress.epochs == 0) return {};
  const StageRow row = stage_rows(trial).at(static_cast<std::size_t>(progress.stage));
  return quoted(trial_name) + ',' + quoted(trial.stages[row.stage].name) + ',' + row.plane + ',' +
         std::to_string(progress.step) + ',' + digits(progress.loss) + ',' + digits(progress.gradient_norm) + ',' +
         digits(progress.learning_rate) + '\n';
}

StepLog::StepLog(const fs::path& file) : file_(file), descriptor_(open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(file_, std::strerror(errno));
}

StepLog::~StepLog() {
  close(descriptor_);
}

void StepLog::append(const std::string& line) {
  ssize_t written = 0;
  do written = write(descriptor_, line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written < 0) fail(file_, std::strerror(errno));
  if (static_cast<std::size_t>(written) < line.size()) fail(file_, "no space for a whole line");
}

}  // namespace crossfade::runner
