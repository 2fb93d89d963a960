// NIfTI volumes on disk. The only file of the project that includes ITK.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/volume.hpp"

namespace crossfade::data {

/// Reads a 3-D NIfTI (.nii, .nii.gz) of integer labels stored in any pixel type, in the file's own orientation.
/// Throws std::runtime_error that names the file where it is missing, no NIfTI, truncated, not 3-D, or has values that
/// are not integers.
Volume<std::int32_t> read_label_map(const std::filesystem::path& file);

/// Writes labels as int32 NIfTI (compressed where the name ends in .gz), beside the target first and then renamed.
/// Throws std::runtime_error that names the file.
void write_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels);

}  // namespace crossfade::data
