// Files that exist whole or not at all.
#pragma once

#include <filesystem>
#include <string_view>

namespace crossfade::data {

/// A name beside `target` for writing it, "TARGET.0123456789abcdef.partial", of its own for every call.
std::filesystem::path partial_name(const std::filesystem::path& target);

/// Syncs the finished file `partial` to disk, renames it to `target` (replacing what was there) and syncs the folder.
/// Throws std::runtime_error naming the file; `partial` is then still there unless the rename had succeeded.
void publish(const std::filesystem::path& partial, const std::filesystem::path& target);

/// Writes `text` beside `file` and publishes it. Throws std::runtime_error naming the file, and leaves nothing then.
void write_whole(const std::filesystem::path& file, std::string_view text);

/// Removes what writers that were killed left in `folder` itself, as far as it can be removed; no folder has nothing.
/// Only where no writer is at work: below it there may be one.
void remove_partials(const std::filesystem::path& folder) noexcept;

}  // namespace crossfade::data
