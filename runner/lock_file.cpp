#include "runner/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace crossfade::runner {

LockFile::LockFile(std::filesystem::path file, const std::string& what, bool wait)
    : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) {
    throw std::runtime_error("cannot write " + file.string() + ": " + std::strerror(errno));
  }
  if (flock(descriptor_, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    close(descriptor_);
    if (reason == EWOULDBLOCK) {
      throw std::runtime_error(what + " is in use by another process (" + file.string() + " is locked)");
    }
    throw std::runtime_error("cannot lock " + file.string() + ": " + std::strerror(reason));
  }
}

LockFile::~LockFile() {
  close(descriptor_);
}

}  // namespace crossfade::runner
