// What the leader of a group and the study's queue on rank 0 say to one another, as bytes for Communicator::send.
#pragma once

#include <string>
#include <variant>

#include "analysis/results/results.hpp"
#include "runner/trial/branches.hpp"
#include "runner/trial/progress.hpp"

namespace crossfade::runner {

/// Asks for a trial; answered with its index once there is one that may begin, or with kNoTrial.
struct NextTrial {};
/// To be shown once, however many say it.
struct Warning {
  std::string text;
};
/// The rest is about the trial with index `trial`.
struct Step {
  int trial = 0;
  TrialProgress progress;
};
struct Epoch {
  int trial = 0;
  TrialProgress progress;
  analysis::EpochRecord record;
};
struct Stage {
  int trial = 0;
  analysis::StageResult result;
};
struct BranchMet {
  int trial = 0;
  std::string key;
  BranchOutcome outcome = BranchOutcome::kPassed;
};
enum class Ending { kFinished, kInterrupted, kFailed, kFailedWithTheRun };
struct Ended {
  int trial = 0;
  Ending ending = Ending::kFinished;
  std::string error;  // of a failed trial
};

using Message = std::variant<NextTrial, Warning, Step, Epoch, Stage, BranchMet, Ended>;

inline constexpr int kNoTrial = -1;

std::string encode(const Message& message);
/// Precondition: `bytes` came from encode().
Message decode(const std::string& bytes);

}  // namespace crossfade::runner
