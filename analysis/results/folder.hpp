// What lies beside a results database.
#pragma once

#include <filesystem>
#include <string>

namespace crossfade::analysis {

/// FILE for FILE.sqlite; NAME-files for NAME, whose own name the database has. The log, the checkpoints and what was
/// made of the study are in it.
inline std::filesystem::path results_folder(const std::filesystem::path& database) {
  return database.has_extension() ? std::filesystem::path(database).replace_extension()
                                  : std::filesystem::path(database.string() + "-files");
}

/// Pictures of test subjects, one SUBJECT.svg each, in a folder a stage, by the beginning of its hash.
inline std::filesystem::path pictures_folder(const std::filesystem::path& database) {
  return results_folder(database) / "pictures";
}

/// `hash`: of a stage, 64 hexadecimal digits.
inline std::filesystem::path picture_file(const std::filesystem::path& pictures, const std::string& hash,
                                          const std::string& subject) {
  return pictures / hash.substr(0, 16) / (subject + ".svg");
}

}  // namespace crossfade::analysis
