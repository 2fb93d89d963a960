#include "data/publish.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

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

constexpr std::string_view kEnding = ".partial";
constexpr std::size_t kDigits = 16;  // before the ending, and a full stop before them

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

/// As partial_name() makes them: nothing else that is called so is touched.
bool is_partial(std::string_view name) {
  if (!name.ends_with(kEnding)) return false;
  name.remove_suffix(kEnding.size());
  if (name.size() <= kDigits + 1 || name[name.size() - kDigits - 1] != '.') return false;
  return name.substr(name.size() - kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

void remove_partials(const std::filesystem::path& folder) noexcept {
  namespace fs = std::filesystem;
  try {
    std::vector<fs::path> partials;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
      if (entry.is_regular_file() && is_partial(entry.path().filename().string())) partials.push_back(entry.path());
    std::error_code ignored;
    for (const fs::path& partial : partials) fs::remove(partial, ignored);
  } catch (const std::exception&) {
    return;  // it costs room on the disk, and no result
  }
}

Partial::Partial(std::filesystem::path target, std::string_view ending)
    : target_(std::move(target)), path_(partial_name(target_)) {
  path_ += ending;
}

Partial::~Partial() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Partial::publish() {
  sync(path_, O_RDONLY);
  std::error_code error;
  std::filesystem::rename(path_, target_, error);
  if (error) throw std::runtime_error(target_.string() + ": cannot be written: " + error.message());
  const std::filesystem::path folder = target_.parent_path();
  sync(folder.empty() ? std::filesystem::path(".") : folder, O_RDONLY | O_DIRECTORY);
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw std::runtime_error("'" + folder.string() + "': can't be made a folder: " + error.message() +
                             ", expected the path of one");
}

void write_whole(const std::filesystem::path& file, std::string_view text) {
  std::error_code unknown;
  if (std::filesystem::exists(file, unknown) && !std::filesystem::is_regular_file(file, unknown))
    throw std::runtime_error("'" + file.string() + "' is no file that can be replaced, expected the name of one");
  Partial partial(file);
  std::ofstream out(partial.path(), std::ios::binary);
  out << text;
  out.close();
  if (!out)
    throw std::runtime_error("can't write '" + file.string() + "': is its folder there, writable and not full?");
  partial.publish();
}

}  // namespace crossfade::data
