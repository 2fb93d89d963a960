// Scans and label maps on disk, whatever their format: the ending of the name decides, in capitals or not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/volumes/reading_notes.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// File name without .nii, .nii.gz, .mgz or .mgh; empty for other files, and for hidden ones (".NAME").
std::string subject_of(const std::filesystem::path& file);

/// The volumes of `folder` by subject, or, where it has none, its pictures (is_picture()); other files are passed over.
/// `what` they are ("label maps") is for the message: throws std::runtime_error for a folder that cannot be read, for a
/// link to nothing and a folder named like a volume, and for a subject that is there twice, with different endings,
/// naming both files.
std::map<std::string, std::filesystem::path> volumes_in(const std::filesystem::path& folder, const std::string& what);

/// A scan in the file's own orientation, any scalar type; a NIfTI's slope and intercept are applied, and voxels that
/// are not finite are 0. Throws std::runtime_error that names the file where its ending is another or it cannot be
/// read.
ReadVolume<float> read_image(const std::filesystem::path& file);

/// The co-registered channels of an image, all on one grid and in the file's order: the volumes of a NIfTI's fourth (or
/// fifth) dimension, the frames of an MGH, the colours of a picture (is_picture(): 1 of grey, 3 of colours); one where
/// the file holds one. All that read_image() says holds for each. Throws std::runtime_error that names the file where
/// its ending is another, it cannot be read, or has more than 64 channels.
std::vector<ReadVolume<float>> read_channels(const std::filesystem::path& file);

/// A map of integer labels in the file's own orientation. Throws std::runtime_error that names the file where its
/// ending is another, it cannot be read or holds other values than integers.
ReadVolume<std::int32_t> read_labels(const std::filesystem::path& file);

/// Writes labels at their own grid and affine, in the smallest integer type that holds every id: NIfTI (uint8, uint16,
/// int32), MGH (uint8, int16, int32) or PNG (grey of 8 or 16 bits; one slice alone, write_picture_labels() says which),
/// by the ending. What read_labels(), or read_picture_labels(), then reads is equal, the affine to what float32 holds.
/// Beside the target first and then renamed. Throws std::runtime_error that names the file.
void write_labels(const std::filesystem::path& file, const Volume<std::int32_t>& labels);

}  // namespace crossfade::data
