// The file of --log-steps: a line of CSV for each optimiser step, from which training can be compared step by step.
#pragma once

#include <filesystem>
#include <string>

#include "runner/grid/config.hpp"
#include "runner/trial/progress.hpp"

namespace crossfade::runner {

/// On rank 0, before anything starts: makes the file, its folder and its header line. A log that is there stays, but
/// for half a line that a crash of the machine left, so that a study that goes on appends to it. Throws std::exception
/// where the file can't be written or is another one than a log of steps.
void begin_step_log(const std::filesystem::path& file);

/// The line of the step that `progress` tells of, with its end: trial, stage, plane, step (of the stage, from 1), loss,
/// gradient_norm (before clipping), learning_rate; numbers with 17 significant digits. Empty where nothing is trained
/// (registrations). Precondition: progress.stage is a row of stage_rows(trial).
std::string step_line(const std::string& trial_name, const TrialConfig& trial, const TrialProgress& progress);

/// Open for appending, by each group of ranks for itself: a line is one write to the end of the file, so that lines of
/// several groups stay whole.
class StepLog {
 public:
  /// Throws std::runtime_error where begin_step_log() has not made the file, or not where this machine sees it.
  explicit StepLog(const std::filesystem::path& file);
  ~StepLog();
  StepLog(const StepLog&) = delete;
  StepLog& operator=(const StepLog&) = delete;

  /// Throws std::runtime_error where the line could not be written whole (a full disk).
  void append(const std::string& line);

 private:
  std::filesystem::path file_;
  int descriptor_;
};

}  // namespace crossfade::runner
