// One process at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace crossfade::runner {

/// Holds an advisory lock on `file` (created where missing) until destruction or the process's end, however it ends.
/// Where the file system has no locks, that is said once and nothing is held.
class LockFile {
 public:
  /// With `wait` false throws std::runtime_error "`what` is in use by another process (FILE)" where the lock is taken.
  LockFile(std::filesystem::path file, const std::string& what, bool wait);
  /// Nothing where another holds the lock.
  static std::unique_ptr<LockFile> if_free(const std::filesystem::path& file);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  explicit LockFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace crossfade::runner
