// Files that exist whole or not at all.
#pragma once

#include <filesystem>
#include <string_view>

namespace crossfade::data {

/// A file or folder that is written beside its target and takes its place once it is whole. What was not published goes
/// with this object.
class Partial {
 public:
  /// Makes nothing yet. `ending` is of writers that go by one, such as ".nii.gz".
  explicit Partial(std::filesystem::path target, std::string_view ending = {});
  ~Partial();
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;

  /// Where to write: "TARGET.0123456789abcdef.partial" with the ending, a name of its own for every object.
  const std::filesystem::path& path() const { return path_; }

  /// Syncs what was written to disk, renames it to the target (replacing what was there) and syncs the folder. Throws
  /// std::runtime_error naming the file.
  void publish();

 private:
  std::filesystem::path target_, path_;
};

/// Makes the folder, and those above it, if they are not there. Throws std::runtime_error naming it.
void make_folders(const std::filesystem::path& folder);

/// Writes `text` beside `file` and publishes it, in place of a regular file alone. Throws std::runtime_error naming the
/// file, and leaves nothing then.
void write_whole(const std::filesystem::path& file, std::string_view text);

/// Removes what writers that were killed left in `folder` itself, as far as it can be removed; no folder has nothing.
/// Only where no writer is at work: below it there may be one.
void remove_partials(const std::filesystem::path& folder) noexcept;

}  // namespace crossfade::data
