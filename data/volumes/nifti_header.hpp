// The header of a NIfTI file: where its voxels lie in space, and how they are stored.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>

#include "data/volumes/affine.hpp"
#include "data/volumes/volume_file.hpp"

namespace crossfade::data {

/// Of NIfTI-1 and NIfTI-2, of either byte order.
struct NiftiHeader {
  std::array<int, 3> size{};
  int volumes = 1;                 // of that size, one behind the other
  std::array<double, 3> pixdim{};  // length of each index axis in mm, where the header says one; else 0
  int qform_code = 0, sform_code = 0;
  Affine qform{}, sform{};     // meaningless where their code is 0
  bool damaged_qform = false;  // its quaternion makes no sense beside an sform: its code is 0 then
  VoxelType type = VoxelType::kUint8;
  bool big_endian = false;
  std::size_t offset = 0;           // of the first voxel in bytes
  double slope = 1, intercept = 0;  // 1 and 0 where the header's slope is 0 or not finite, which means no scaling
};

/// `bytes`: the file from its beginning, unpacked, to the end of its header at least (540 bytes will do). Up to
/// `most_volumes` may be there, along the fourth dimension, or along the fifth where the fourth is 1 (the standard's
/// place for vectors). Throws std::runtime_error naming the file for what is no NIfTI file of one piece, has more
/// dimensions or volumes than that (further dimensions of 1 may be there), is of colours or complex numbers, has a
/// slope or a size that makes no sense, or a quaternion that makes none where the qform is the one in force; where the
/// sform is, the qform then counts as not set.
NiftiHeader nifti_header(const std::filesystem::path& file, std::span<const unsigned char> bytes, int most_volumes = 1);

/// The affine that nibabel takes: the sform where its code is above 0, else the qform where its code is above 0, else
/// its base affine: x flipped, centred on 0. Throws std::runtime_error naming the file where the one that is taken is
/// sheared (require_unsheared), is no number, has an axis of no length, or is an sform whose axes are longer or shorter
/// than pixdim says by more than 1e-3 of it.
Geometry geometry_of(const std::filesystem::path& file, const NiftiHeader& header);

/// The largest distance in mm between the places that qform and sform give a corner of the volume; 0 where either is
/// not set.
double transforms_apart_mm(const NiftiHeader& header);

/// Whether ITK 5.2 takes another affine for the file than geometry_of() does, or may: where qform and sform differ,
/// where the qform is damaged, and where there is neither. False for other files.
bool itk_places_elsewhere(const std::filesystem::path& file);

}  // namespace crossfade::data
