// Messages to the person at the terminal, by rank 0 alone. The only unit that includes spdlog, whose fmt clashes with
// the one that Torch ships: log.cpp must not see Torch's include folders.
#pragma once

#include <filesystem>
#include <string>

namespace crossfade::runner {

/// Messages go to standard error, and to `file` as well unless it is empty. A rank that is not to speak (`speaks`
/// false) drops its messages. Call once, before the other functions. Throws std::runtime_error for a file that can't be
/// opened.
void start_log(bool speaks, const std::filesystem::path& file = {});

/// Thread-safe.
void log_info(const std::string& message);
void log_warning(const std::string& message);
void log_error(const std::string& message);

}  // namespace crossfade::runner
