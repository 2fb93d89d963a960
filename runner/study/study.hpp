// A whole grid: cohorts prepared, trials trained by groups of ranks, results stored, reported and drawn.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/ranks/communicator.hpp"

namespace crossfade::runner {

struct StudyOptions {
  std::filesystem::path grid;
  std::vector<std::string> overrides;         // path=value
  std::filesystem::path results;              // database; empty: results/STUDY.sqlite
  std::filesystem::path cohorts = "cohorts";  // where prepared cohorts are kept
  std::string progress = "auto";              // auto, lines, bar
  std::filesystem::path log_steps;            // a line of CSV a training step (step_log.hpp); empty: none
  std::filesystem::path profile;              // a trace of a few steps (profile.hpp); empty: none
  std::vector<std::string> only;              // run only trials whose name contains one of these; empty: all
  bool share = true;                          // what trials train alike is trained once; false: each trial for itself
  std::string dry_run;  // list: only says what there is to do; measure: how long it takes, too (measure.hpp); or empty
};

/// Collective over the world. Beside the database FILE.sqlite stands a folder FILE with the log, the checkpoints, and
/// at the end tables and figures (outputs.hpp); beside a FILE without ending it is FILE-files. Returns the exit code: 0
/// when every trial of the grid is finished, 1 when some failed or their tables or a trace could not be written,
/// kExitStopped when interrupted. Throws AgreedError where nothing could start (an error in the grid, bad data, a
/// results path, log of steps or trace that can't be written, ranks that can't be split).
int run_study(World& world, const StudyOptions& options);

}  // namespace crossfade::runner
