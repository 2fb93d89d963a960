#include "data/publish.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>

namespace crossfade::data {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw std::runtime_error(path.string() + ": " + what + ": " + std::generic_category().message(errno));
}

void sync(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) fail(path, "cannot be opened to sync it");
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  errno = error;
  // Some network and overlay file systems cannot sync a folder and say EINVAL; the rename is then as durable as they
  // make it.
  if (result != 0 && !((flags & O_DIRECTORY) != 0 && error == EINVAL)) fail(path, "cannot be synced to disk");
}

}  // namespace

std::filesystem::path partial_name(const std::filesystem::path& target) {
  // From the system and not from a process id: containers that share a file system have equal process ids.
  std::random_device device;
  const std::uint64_t number = (std::uint64_t{device()} << 32) | device();
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, ".%016llx.partial", static_cast<unsigned long long>(number));
  std::filesystem::path name = target;
  name += suffix;
  return name;
}

void publish(const std::filesystem::path& partial, const std::filesystem::path& target) {
  sync(partial, O_RDONLY);
  std::error_code error;
  std::filesystem::rename(partial, target, error);
  if (error) throw std::runtime_error(target.string() + ": cannot be written: " + error.message());
  const std::filesystem::path folder = target.parent_path();
  sync(folder.empty() ? std::filesystem::path(".") : folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace crossfade::data
