// Where the running trials stand, on standard error: lines redrawn in place on a terminal, one plain line an epoch
// elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "runner/trial/progress.hpp"

namespace crossfade::runner {

/// Whether the person's end of standard error is a terminal. Under mpirun a rank's own is always a pipe, so this looks
/// at the launcher's.
bool on_terminal();

/// Not thread-safe: belongs to the thread that serves the queue on rank 0.
class ProgressDisplay {
 public:
  ProgressDisplay(int trials, int finished, bool terminal);
  ~ProgressDisplay();

  void step(int trial, const std::string& name, const TrialProgress& progress);
  void epoch(int trial, const std::string& name, const TrialProgress& progress);
  /// The trial is no longer running; `message` says how it ended.
  void ended(int trial, const std::string& name, const std::string& message);
  /// The trial is no longer running, by a signal.
  void interrupted(int trial, const std::string& name);
  /// The trial is no longer running, and has not ended.
  void left(int trial, const std::string& warning);
  /// A line of its own, above the lines redrawn.
  void info(const std::string& message);
  /// A warning of its own line, above the lines redrawn.
  void warn(const std::string& message);

 private:
  struct Running {
    std::string line;
    std::chrono::steady_clock::time_point first_seen;
    std::int64_t first_step = 0;
    int stage = -1;  // that these two are of
  };
  std::string describe(int trial, const std::string& name, const TrialProgress& progress);
  void draw();
  void erase();

  int trials_;
  int finished_;
  bool terminal_;
  int drawn_ = 0;
  std::chrono::steady_clock::time_point last_draw_{};
  std::map<int, Running> running_;
};

}  // namespace crossfade::runner
