// A trace of a few training steps by LibTorch's Kineto, for ui.perfetto.dev and chrome://tracing.
#pragma once

#include <filesystem>
#include <string>

namespace crossfade::runner {

/// Before anything starts: makes the folder of `file` and sees that a file can be made there. Throws std::runtime_error
/// where not, and where `file` is a folder.
void require_profile_path(const std::filesystem::path& file);

/// Records the steps of one epoch, the first that trains any: steps 6 to 10 of those it has yet to train, the last five
/// where they are fewer than ten. The steps before them warm caches up. Used by one thread, whose operators and those
/// of the threads that work for it are recorded, with the ranges that they name by RECORD_USER_SCOPE.
class StepProfile {
 public:
  /// `file` is replaced by the trace. `gpu`: the kernels of CUDA devices are recorded, too.
  StepProfile(std::filesystem::path file, bool gpu);
  ~StepProfile();
  StepProfile(const StepProfile&) = delete;
  StepProfile& operator=(const StepProfile&) = delete;

  /// A step begins, and so ends the one before; the epoch still has `left`, this one among them. 0: none begins.
  void begin_step(int left);
  /// No more steps follow in this epoch. Writes the trace if steps were recorded, whole or not at all; does not throw,
  /// as training is worth more than its trace: see error().
  void end_epoch();

  /// In the file; 0: there is none.
  int steps() const { return written_; }
  /// Why the trace of recorded steps could not be written, or empty.
  const std::string& error() const { return error_; }

 private:
  void finish();

  std::filesystem::path file_;
  bool gpu_;
  bool in_epoch_ = false, recording_ = false, done_ = false;
  int to_skip_ = 0, begun_ = 0, written_ = 0;
  std::string error_;
};

/// An epoch's steps, for `profile`; nullptr: nothing is recorded.
class ProfiledEpoch {
 public:
  explicit ProfiledEpoch(StepProfile* profile) : profile_(profile) {}
  ~ProfiledEpoch() {
    if (profile_ != nullptr) profile_->end_epoch();
  }
  ProfiledEpoch(const ProfiledEpoch&) = delete;
  ProfiledEpoch& operator=(const ProfiledEpoch&) = delete;

  void begin_step(int left) {
    if (profile_ != nullptr) profile_->begin_step(left);
  }

 private:
  StepProfile* profile_;
};

}  // namespace crossfade::runner
