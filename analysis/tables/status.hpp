// How far a study is, from its database alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

inline constexpr double kSecondsOfSilence = 60;  // the writer speaks every 10: after so many it is taken for dead

/// What a group of ranks is at.
struct WorkerStatus {
  int worker = 0;
  std::string doing;
  std::string trial;  // name: variant, seed and fold; empty: none
  std::string stage;
  int epoch = 0, epochs = 0;
  std::int64_t step = 0, steps = 0;
  double loss = 0, images_per_second = 0;
  std::vector<double> dice;  // validation, of the stage's epochs so far
  double seconds_left = 0;   // of the trial; NaN: no epoch tells yet
  double silent = 0;         // seconds since it was last heard of
};

struct FailedTrial {
  std::string trial, error;
};

struct StudyStatus {
  std::string study, caption;
  std::string last_sign;  // UTC, when a worker was last heard of; empty: none is known to be at work
  bool is_running = false;
  int finished = 0, running = 0, interrupted = 0, failed = 0, pending = 0;  // trials, candidates of a search with them
  std::vector<WorkerStatus> workers;
  std::vector<FailedTrial> failures;
  double seconds_left = 0;  // of the study, at the pace so far; NaN: no epoch tells yet
};

/// Of the latest study in the database, or the one named. Throws std::runtime_error as render_table1.
StudyStatus study_status(const std::filesystem::path& database, const std::string& study = {});

/// "text": a summary, a table of what each group is at, and what failed; "json". Throws std::invalid_argument for
/// another format.
std::string render_status(const StudyStatus& status, const std::string& format);

}  // namespace crossfade::analysis
