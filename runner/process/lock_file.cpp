#include "runner/process/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "runner/process/log.hpp"

namespace crossfade::runner {
namespace {

/// Some network file systems have no locks, unless they are mounted with them.
void warn_unguarded(const std::filesystem::path& file, int reason) {
  static std::atomic<bool> said = false;
  if (said.exchange(true)) return;
  log_warning("the file system of " + file.string() + " has no locks (" + std::strerror(reason) +
              "): nothing guards against a second run on the same files; start one at a time");
}

/// A descriptor that holds the lock, or of a file that can't be locked on its file system; -1 where another does, and
/// `wait` is false.
int locked(const std::filesystem::path& file, bool wait) {
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) throw std::runtime_error("cannot write " + file.string() + ": " + std::strerror(errno));
  if (flock(descriptor, wait ? LOCK_EX : LOCK_EX | LOCK_NB) == 0) return descriptor;
  const int reason = errno;
  if (reason == ENOLCK || reason == ENOSYS || reason == EOPNOTSUPP) {
    warn_unguarded(file, reason);
    return descriptor;
  }
  close(descriptor);
  if (reason == EWOULDBLOCK) return -1;
  throw std::runtime_error("cannot lock " + file.string() + ": " + std::strerror(reason));
}

}  // namespace

LockFile::LockFile(std::filesystem::path file, const std::string& what, bool wait) : descriptor_(locked(file, wait)) {
  if (descriptor_ < 0)
    throw std::runtime_error(what + " is in use by another process (" + file.string() + " is locked)");
}

std::unique_ptr<LockFile> LockFile::if_free(const std::filesystem::path& file) {
  const int descriptor = locked(file, false);
  return descriptor < 0 ? nullptr : std::unique_ptr<LockFile>(new LockFile(descriptor));
}

LockFile::~LockFile() {
  close(descriptor_);
}

}  // namespace crossfade::runner
