// Where the ways of trials part that began alike, and what a trial keeps there for the others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "schedules/schedule.hpp"

namespace crossfade::runner {

/// A step of a stage up to which several trials train the same net.
struct Branch {
  std::int64_t step = 0;  // steps of the stage that are done there, 1 to all of them
  std::string key;        // names what made the net: trials that come through here have it in common
  bool leave = false;     // an unfinished trial goes another way from here
};

/// What a stage of a trial has in common with other trials.
struct SharedStage {
  std::vector<Branch> branches;    // by rising step
  std::vector<std::string> terms;  // that others have and this trial has not: evaluated for what is logged of them
};

/// What becomes of a branch on the way of a trial that may leave it: left there, left as it was where the trial's
/// patience ended before, or passed without.
enum class BranchOutcome { kLeft, kLeftEarly, kPassed };

/// The stage's loss with `others` at weight 0 behind its own terms.
std::vector<schedules::ScheduledTerm> with_terms(std::vector<schedules::ScheduledTerm> loss,
                                                 const std::vector<std::string>& others);

/// Every branch below `checkpoints`: the file.
std::vector<std::filesystem::path> branch_files(const std::filesystem::path& checkpoints);

/// The file of a branch, and that of the best net until there, which is missing where none was best.
std::filesystem::path branch_file(const std::filesystem::path& checkpoints, const std::string& key);
std::filesystem::path branch_best(const std::filesystem::path& checkpoints, const std::string& key);

/// Steps of its stage that a branch has behind it: fewer than its own where a patience ended on the way to it. 0: it is
/// not there, or can't be read.
std::int64_t steps_of_branch(const std::filesystem::path& checkpoints, const std::string& key);

/// Bytes of all branches below `checkpoints`, as far as they can be read.
std::uintmax_t bytes_of_branches(const std::filesystem::path& checkpoints);

/// Removes a branch, as far as it can be removed.
void drop_branch(const std::filesystem::path& checkpoints, const std::string& key) noexcept;

}  // namespace crossfade::runner
