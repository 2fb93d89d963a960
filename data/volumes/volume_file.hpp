// What the readers of volume files share: bytes, voxels of any stored type, and what is refused in both formats.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/volumes/reading_notes.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// Throws std::runtime_error "FILE: WHAT".
[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what);

/// The end of a file's name by which its format is known, in small letters: ".nii.gz", ".nii", ".mgz" or ".mgh"; empty
/// for another, and for a name with nothing before it.
std::string volume_ending(const std::filesystem::path& file);

/// Throws std::runtime_error naming a file that is not there, is a folder, or is a link to nothing (and to what).
void require_file(const std::filesystem::path& file);

/// The bytes of a file, packed by gzip or not; to the very end, because the checksum of gzip stands there. With `most`
/// above 0 no more than that many, and whether the file is whole is not looked at. Throws std::runtime_error naming a
/// file that can't be opened or is damaged.
std::vector<unsigned char> unpacked(const std::filesystem::path& file, std::size_t most = 0);

/// The number that is stored at `bytes`, of which there are sizeof(T).
template <class T>
T number(const unsigned char* bytes, bool big_endian) {
  std::array<unsigned char, sizeof(T)> native{};
  std::copy_n(bytes, sizeof(T), native.begin());
  if (big_endian != (std::endian::native == std::endian::big)) std::ranges::reverse(native);
  return std::bit_cast<T>(native);
}

enum class VoxelType { kUint8, kInt8, kUint16, kInt16, kUint32, kInt32, kUint64, kInt64, kFloat32, kFloat64 };

std::size_t bytes_of(VoxelType type);

/// Volumes in one file that may be the channels of one image; more are taken for a series.
inline constexpr int kMostChannels = 64;

/// The voxels of a file, the first axis fastest. A value is `slope` * stored + `intercept`.
struct StoredVoxels {
  Geometry geometry;
  VoxelType type = VoxelType::kUint8;
  bool big_endian = false;
  std::span<const unsigned char> bytes;  // from the first voxel on; there may be more than are needed
  double slope = 1, intercept = 0;
};

/// As an image: voxels that are not finite become 0 and are counted. Throws std::runtime_error naming a file that is
/// truncated.
ReadVolume<float> image_of(const std::filesystem::path& file, const StoredVoxels& stored);

/// As labels: integers of 32 bits. What was saved through floating point is rounded and counted: values within 1e-3 of
/// an integer, or, under a slope below 1, within half of it, at most 0.1 (from a slope of 1 on two ids may have become
/// one value). Throws std::runtime_error naming file, voxel and slope for any other value, and a file that is
/// truncated.
ReadVolume<std::int32_t> labels_of(const std::filesystem::path& file, const StoredVoxels& stored);

/// The smallest and the largest id, of which a writer's type must hold both; 0 and 0 of none.
struct IdRange {
  std::int32_t least = 0, most = 0;
};
IdRange ids_of(std::span<const std::int32_t> labels);

/// Throws std::runtime_error naming the file, in one line with the remedy, where the axes of `geometry` are further
/// from right angles than rounding makes them (a cosine of 1e-3), or do not span space. `what` the axes are of:
/// "sform".
void require_unsheared(const std::filesystem::path& file, const Geometry& geometry, const std::string& what);

}  // namespace crossfade::data
