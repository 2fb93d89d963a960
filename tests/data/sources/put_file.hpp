// Small trees of files for tests in which names count.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace crossfade {

/// Writes `text` to `file`, with the folders on the way. Returns `file`.
inline std::filesystem::path put_file(const std::filesystem::path& file, const std::string& text = "") {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
  return file;
}

}  // namespace crossfade
