// What a trial leaves for others on its way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "runner/ranks/group.hpp"
#include "runner/trial/branches.hpp"
#include "runner/trial/checkpoint.hpp"
#include "runner/trial/state.hpp"
#include "runner/trial/trial_events.hpp"

namespace crossfade::runner {

/// Goes along the branches of a stage, by rising step. Of those to leave, group rank 0 writes the files, where they fit
/// into TrialEvents::branch_bytes, and says what became of each, once.
class BranchLeaver {
 public:
  /// `position` is where the trial stands whenever it is to leave something, `whole_checkpoint` makes the net as it
  /// then is, with all that training goes on from, under the key of a branch. References must outlive this.
  BranchLeaver(const std::filesystem::path& checkpoints, const Position& position, Group& group,
               const TrialEvents& events, std::function<TensorFile(const std::string& key)> whole_checkpoint);

  /// `branches`, which must outlive the stage, are ahead. `best`: the file of its best net.
  void begin_stage(std::span<const Branch> branches, std::filesystem::path best);

  /// Whether a branch is to be left at this step.
  bool parts_at(std::int64_t step) const;

  /// The net has made so many steps of the stage by its own training: what is to be left there is. Collective. Throws
  /// AgreedError naming a file that can't be written or read.
  void leave_at(std::int64_t step);

  /// Says of branches up to `step` that this trial won't leave them any more.
  void pass(std::int64_t step);

  /// Others may go on from where this trial's patience ran out: it is left as the next branch on their way. As
  /// leave_at().
  void leave_where_patience_ended();

 private:
  void leave(const Branch& branch, BranchOutcome as = BranchOutcome::kLeft);
  bool is_there(const Branch& branch) const;
  bool leave_files(const Branch& branch);

  const std::filesystem::path& checkpoints_;
  const Position& position_;
  Group& group_;
  const TrialEvents& events_;
  std::function<TensorFile(const std::string& key)> whole_checkpoint_;
  std::span<const Branch> branches_;
  std::filesystem::path best_;
  std::size_t next_ = 0;  // that is neither left nor passed
};

}  // namespace crossfade::runner
