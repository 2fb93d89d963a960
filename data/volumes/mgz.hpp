// FreeSurfer's volumes on disk: MGH (.mgh) and MGZ (.mgz, the same in gzip).
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/volumes/reading_notes.hpp"

namespace crossfade::data {

/// Reads a scan of one frame (uint8, int16, uint16, int32 or float32) in the file's own orientation. The affine is
/// Mdc * delta with Pxyz_c at voxel size / 2, as the format has it (https://surfer.nmr.mgh.harvard.edu/fswiki, page
/// FsTutorial/MghFormat). Where goodRASFlag is 0 it is FreeSurfer's coronal default: 1 mm, i to the left, j to
/// inferior, k to anterior (nibabel's default has j and k the other way round). Throws std::runtime_error that names
/// the file where it is missing, no MGH file, truncated, damaged, of several frames or of another type, or where its
/// affine is sheared (require_unsheared() in volume_file.hpp). Voxels that are not finite become 0.
ReadVolume<float> read_mgz_image(const std::filesystem::path& file);

/// The same of up to kMostChannels frames, in order, on one grid. All that holds for one holds for each.
std::vector<ReadVolume<float>> read_mgz_channels(const std::filesystem::path& file);

/// The grid of such a file, from its header alone, whatever follows it.
Geometry read_mgz_geometry(const std::filesystem::path& file);

/// As read_mgz_image(), of integer labels, stored in any of these types, as labels_of() in volume_file.hpp takes them.
ReadVolume<std::int32_t> read_mgz_label_map(const std::filesystem::path& file);

/// Writes labels in the smallest of uint8, int16 and int32 that holds every id (uint16 is new to the format, and not
/// all programs know it), packed by gzip where the name ends in .mgz; beside the target first and then renamed. Throws
/// std::runtime_error that names the file.
void write_mgz_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels);

}  // namespace crossfade::data
