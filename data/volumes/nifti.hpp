// NIfTI volumes on disk, by ITK.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Reads a 3-D NIfTI (.nii, .nii.gz; a fourth dimension of 1 may be there) of any scalar type, in the file's own
/// orientation, with the header's slope and intercept applied. Throws std::runtime_error that names the file where it
/// is missing, no NIfTI, truncated, not 3-D, or of colours, vectors or complex numbers.
Volume<float> read_nifti_image(const std::filesystem::path& file);

/// Reads a 3-D NIfTI (.nii, .nii.gz) of integer labels stored in any pixel type, in the file's own orientation.
/// Throws std::runtime_error that names the file where it is missing, no NIfTI, truncated, not 3-D, or has values that
/// are not integers.
Volume<std::int32_t> read_label_map(const std::filesystem::path& file);

/// Writes labels as int32 NIfTI (compressed where the name ends in .gz), beside the target first and then renamed.
/// Throws std::runtime_error that names the file.
void write_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels);

}  // namespace crossfade::data
