#include "runner/trial/branch_leaver.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "runner/ranks/agreement.hpp"
#include "runner/trial/beginning.hpp"

namespace crossfade::runner {

namespace fs = std::filesystem;

BranchLeaver::BranchLeaver(const fs::path& checkpoints, const Position& position, Group& group,
                           const TrialEvents& events,
                           std::function<TensorFile(const std::string& key)> whole_checkpoint)
    : checkpoints_(checkpoints),
      position_(position),
      group_(group),
      events_(events),
      whole_checkpoint_(std::move(whole_checkpoint)) {}

void BranchLeaver::begin_stage(std::span<const Branch> branches, fs::path best) {
  branches_ = branches;
  best_ = std::move(best);
  next_ = 0;
}

bool BranchLeaver::parts_at(std::int64_t step) const {
  return std::ranges::any_of(branches_, [&](const Branch& b) { return b.leave && b.step == step; });
}

void BranchLeaver::leave_at(std::int64_t step) {
  for (; next_ < branches_.size() && branches_[next_].step <= step; ++next_)
    if (branches_[next_].leave) leave(branches_[next_]);
}

void BranchLeaver::pass(std::int64_t step) {
  for (; next_ < branches_.size() && branches_[next_].step <= step; ++next_)
    if (group_.rank() == 0 && branches_[next_].leave && events_.on_branch)
      events_.on_branch(branches_[next_].key, BranchOutcome::kPassed);
}

void BranchLeaver::leave_where_patience_ended() {
  while (next_ < branches_.size() && !branches_[next_].leave) ++next_;
  if (next_ < branches_.size()) leave(branches_[next_++], BranchOutcome::kLeftEarly);
}

void BranchLeaver::leave(const Branch& branch, BranchOutcome as) {
  const bool leads = group_.rank() == 0;
  bool left = false;
  together(group_.ranks(), [&] { left = leads && leave_files(branch); });
  if (leads && events_.on_branch) events_.on_branch(branch.key, left ? as : BranchOutcome::kPassed);
}

/// Whether a branch is there, and not of an earlier step, as one is whose patience ended on the way.
bool BranchLeaver::is_there(const Branch& branch) const {
  const fs::path file = branch_file(checkpoints_, branch.key);
  if (!fs::exists(file)) return false;
  try {
    const Position there = position_from_json(read_metadata(file).text("position"));
    if (there.best_epoch > 0) read_metadata(branch_best(checkpoints_, branch.key));
    return std::pair(there.epoch, there.step) >= std::pair(position_.epoch, position_.step);
  } catch (const std::exception& damaged) {
    return false;  // it is written anew
  }
}

/// Whether the branch is there: from before, where a killed run came through here, or now.
bool BranchLeaver::leave_files(const Branch& branch) {
  if (is_there(branch)) return true;
  const TensorFile file = whole_checkpoint_(branch.key);
  std::optional<TensorFile> net;
  if (position_.best_epoch > 0) {
    net = read_tensors(best_);
    if (best_epoch_of(*net) != position_.best_epoch) return false;  // of an epoch ahead, before which a run was killed
    net->metadata["trial"] = branch.key;
  }
  if (bytes_of_branches(checkpoints_) + file.bytes() + (net ? net->bytes() : 0) > events_.branch_bytes) {
    if (events_.on_warning && events_.branch_bytes > 0)
      events_.on_warning(
          "run.branches_gb is full, so what others would have begun from is not kept, and they train it again: raise "
          "it, or remove folders with a branch.safetensors that no trial of the grid will begin from in " +
          checkpoints_.string());
    return false;
  }
  if (net) write_tensors(branch_best(checkpoints_, branch.key), *net);
  write_tensors(branch_file(checkpoints_, branch.key), file);
  return true;
}

}  // namespace crossfade::runner
