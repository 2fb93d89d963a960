#include "runner/study/progress.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "data/number_words.hpp"
#include "runner/process/log.hpp"

namespace crossfade::runner {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kRedraw = std::chrono::milliseconds(200);
constexpr std::size_t kColumns = 118;

}  // namespace

bool on_terminal() {
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return isatty(STDERR_FILENO) != 0;
  struct stat launcher {};
  const std::string path = "/proc/" + std::to_string(getppid()) + "/fd/2";
  constexpr unsigned kFirstPtyMajor = 136, kLastPtyMajor = 143, kConsoleMajor = 4;
  if (stat(path.c_str(), &launcher) != 0 || !S_ISCHR(launcher.st_mode)) return false;
  const unsigned device = major(launcher.st_rdev);
  return device == kConsoleMajor || (device >= kFirstPtyMajor && device <= kLastPtyMajor);
}

ProgressDisplay::ProgressDisplay(int trials, int finished, bool terminal)
    : trials_(trials), finished_(finished), terminal_(terminal) {}

ProgressDisplay::~ProgressDisplay() {
  erase();
}

std::string ProgressDisplay::describe(int trial, const std::string& name, const TrialProgress& progress) {
  const auto now = Clock::now();
  Running& running = running_[trial];
  if (running.stage != progress.stage) {
    running.stage = progress.stage;
    running.first_seen = now;
    running.first_step = progress.step;
  }
  const double seconds = std::chrono::duration<double>(now - running.first_seen).count();
  const auto done = static_cast<double>(progress.step - running.first_step);
  const auto left = static_cast<double>(progress.steps - progress.step);
  const std::string remaining = done > 0 ? data::duration(seconds / done * left) : "--:--";
  char text[160];
  if (progress.epochs == 0) {
    std::snprintf(text, sizeof text, "registration %lld of %lld  %s left", static_cast<long long>(progress.step),
                  static_cast<long long>(progress.steps), remaining.c_str());
    return name + "  " + text;
  }
  std::snprintf(text, sizeof text, "%3d%%  epoch %d/%d  loss %.4f  Dice %.4f  %.0f images/s  %s left",
                static_cast<int>(100 * progress.step / std::max<std::int64_t>(1, progress.steps)), progress.epoch,
                progress.epochs, progress.loss, progress.dice, progress.images_per_second, remaining.c_str());
  return name + "  " + text;
}

void ProgressDisplay::step(int trial, const std::string& name, const TrialProgress& progress) {
  std::string line = describe(trial, name, progress);
  if (!terminal_ && progress.epochs == 0) log_info(line);  // minutes apart
  running_[trial].line = std::move(line);
  if (terminal_ && Clock::now() - last_draw_ >= kRedraw) draw();
}

void ProgressDisplay::epoch(int trial, const std::string& name, const TrialProgress& progress) {
  std::string line = describe(trial, name, progress);
  if (!terminal_) log_info(line);
  running_[trial].line = std::move(line);
  if (terminal_) draw();
}

void ProgressDisplay::ended(int trial, const std::string& name, const std::string& message) {
  running_.erase(trial);
  ++finished_;
  info(name + "  " + message + "  (" + std::to_string(finished_) + " of " + std::to_string(trials_) + " trials)");
}

void ProgressDisplay::interrupted(int trial, const std::string& name) {
  running_.erase(trial);
  info(name + "  interrupted; the same command goes on from here");
}

void ProgressDisplay::left(int trial, const std::string& warning) {
  running_.erase(trial);
  warn(warning);
}

void ProgressDisplay::info(const std::string& message) {
  erase();
  log_info(message);
  if (terminal_) draw();
}

void ProgressDisplay::warn(const std::string& message) {
  erase();
  log_warning(message);
  if (terminal_) draw();
}

void ProgressDisplay::draw() {
  erase();
  for (const auto& [trial, running] : running_) {
    std::fprintf(stderr, "%s\n", running.line.substr(0, kColumns).c_str());
    ++drawn_;
  }
  std::fflush(stderr);
  last_draw_ = Clock::now();
}

void ProgressDisplay::erase() {
  // Up one line and clear it, for each line drawn.
  for (; drawn_ > 0; --drawn_) std::fputs("\x1b[1A\x1b[2K", stderr);
  std::fflush(stderr);
}

}  // namespace crossfade::runner
