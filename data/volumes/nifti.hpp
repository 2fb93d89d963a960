// NIfTI volumes on disk: read here, since where a volume lies and what its voxels are must be known as the header says
// it; written by ITK. (ITK 5.2 prefers the qform, refuses what is sheared by rounding, adds the intercept of a slope of
// 0, and makes NaN 0 without a word.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/volumes/reading_notes.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Reads a 3-D NIfTI-1 or NIfTI-2 (.nii, .nii.gz; further dimensions of 1 may be there) of any integer or real type, in
/// the file's own orientation (geometry_of() in nifti_header.hpp says which affine), with the header's slope and
/// intercept applied; voxels that are not finite become 0. Throws std::runtime_error that names the file where it is
/// missing, no NIfTI, truncated, not 3-D, or of colours, vectors or complex numbers, or where its affine is refused.
ReadVolume<float> read_nifti_image(const std::filesystem::path& file);

/// The same of up to kMostChannels volumes on one grid: one of a 3-D file, in order those of the fourth dimension, or
/// of the fifth where the fourth is 1. All that holds for one holds for each.
std::vector<ReadVolume<float>> read_nifti_channels(const std::filesystem::path& file);

/// As read_nifti_image(), of integer labels, as labels_of() in volume_file.hpp takes them.
ReadVolume<std::int32_t> read_label_map(const std::filesystem::path& file);

/// Writes labels as int32 NIfTI (compressed where the name ends in .gz), beside the target first and then renamed.
/// Throws std::runtime_error that names the file, also where the disk is full; what was there before stays then.
void write_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels);

/// The same in the smallest of uint8, uint16 and int32 that holds every id.
void write_small_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels);

}  // namespace crossfade::data
