// Tensors on disk in the safetensors layout: an 8-byte length, a JSON header, raw bytes. docs/checkpoints.md has the
// keys that a trial writes.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace crossfade::runner {

/// Named tensors (any device and strides; written contiguous, read on the CPU) and string metadata. Types: float64,
/// float32, int64, int32, uint8, bool.
struct TensorFile {
  std::vector<std::pair<std::string, torch::Tensor>> tensors;  // in the order of their bytes
  std::map<std::string, std::string> metadata;

  /// Throws std::runtime_error naming the key.
  const torch::Tensor& tensor(const std::string& name) const;
  const std::string& text(const std::string& key) const;

  /// Of the tensors.
  std::uintmax_t bytes() const;
};

/// Writes beside `file`, syncs, renames. Makes the folder where it is missing. Throws std::runtime_error naming the
/// file.
void write_tensors(const std::filesystem::path& file, const TensorFile& contents);

/// Throws std::runtime_error naming the file and what is wrong with it: missing, truncated, no safetensors, an unknown
/// type, offsets that overlap or leave the file. Nothing in the file can be executed.
TensorFile read_tensors(const std::filesystem::path& file);

/// The same without the tensors, whose places in the file are checked and whose bytes are not read.
TensorFile read_metadata(const std::filesystem::path& file);

}  // namespace crossfade::runner
