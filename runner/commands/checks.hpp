// What commands ask of their arguments before they do anything.
#pragma once

#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/number_words.hpp"

namespace crossfade::runner {

/// What is wrong with a path to which each file of a figure adds its ending, as CLI11 asks it of a check; empty where
/// nothing is. The same for numbers that have to be above 0.
inline std::string fault_of_stem(const std::string& text) {
  const std::filesystem::path stem(text), folder = stem.parent_path();
  if (!stem.has_filename()) return "'" + text + "' names no file, expected a path without ending, such as figures/mine";
  if (!folder.empty() && !std::filesystem::is_directory(folder))
    return text + ": there is no folder " + folder.string() + ", expected a path in one that is there";
  return "";
}

inline std::string fault_of_positive(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool is_positive = !text.empty() && *end == '\0' && std::isfinite(value) && value > 0;
  return is_positive ? "" : "expected a number above 0, not '" + text + "'";
}

/// The name of a row of tables.
inline std::string fault_of_row(const std::string& name) {
  const bool has_text = name.find_first_not_of(' ') != std::string::npos;
  const bool is_one_line = name.find_first_of("\n\r\t") == std::string::npos;
  return has_text && is_one_line ? "" : "expected a name in one line, not '" + name + "'";
}

/// Labels that somebody drew may have the names of those that a command is to write. Throws std::runtime_error where
/// one of `files` is there already.
inline void require_none_there(const std::vector<std::filesystem::path>& files, const std::string& option) {
  std::vector<std::filesystem::path> there;
  for (const std::filesystem::path& file : files)
    if (std::filesystem::exists(file)) there.push_back(file);
  if (there.empty()) return;
  const std::string more = there.size() == 1 ? "" : " and " + data::counted(there.size() - 1, "other");
  throw std::runtime_error(option + ": " + there.front().string() + more +
                           " would be overwritten, expected another folder, or --overwrite");
}

}  // namespace crossfade::runner
