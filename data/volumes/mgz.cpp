#include "data/volumes/mgz.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

constexpr std::size_t kHeaderBytes = 284;

/// Every number of the format is big-endian.
template <class T>
T number(const unsigned char* bytes) {
  return data::number<T>(bytes, /*big_endian=*/true);
}

/// Byte offsets of the header: version 0, size 4, frames 16, type 20, (degrees of freedom 24), goodRASFlag 28, delta
/// 30, Mdc 42 (an index axis after the other), Pxyz_c 78.
Geometry geometry_of(const std::vector<unsigned char>& bytes) {
  const auto real = [&](std::size_t offset, std::size_t index) {
    return number<float>(bytes.data() + offset + 4 * index);
  };
  constexpr std::array<std::array<float, 3>, 3> kCoronal{{{-1, 0, 0}, {0, 0, -1}, {0, 1, 0}}};
  const bool good = number<std::int16_t>(bytes.data() + 28) != 0;
  Geometry geometry;
  for (std::size_t axis = 0; axis < 3; ++axis) geometry.size[axis] = number<std::int32_t>(bytes.data() + 4 + 4 * axis);
  for (std::size_t row = 0; row < 3; ++row) {
    double origin = good ? real(78, row) : 0;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double step = good ? real(42, 3 * axis + row) * real(30, axis) : kCoronal[axis][row];
      geometry.affine[row][axis] = step;
      origin -= step * geometry.size[axis] / 2;
    }
    geometry.affine[row][3] = origin;
  }
  return geometry;
}

VoxelType type_of(const std::filesystem::path& file, std::int32_t code) {
  switch (code) {
    case 0:
      return VoxelType::kUint8;
    case 1:
      return VoxelType::kInt32;
    case 3:
      return VoxelType::kFloat32;
    case 4:
      return VoxelType::kInt16;
    case 10:
      return VoxelType::kUint16;
    default:
      fail(file, "has voxels of type " + std::to_string(code) + "; known are 0, 1, 3, 4 and 10");
  }
}

/// Whatever the two readers share; `convert` is image_of or labels_of.
template <class Convert>
auto read(const std::filesystem::path& file, const Convert& convert) {
  require_file(file);
  const std::vector<unsigned char> bytes = unpacked(file);
  if (bytes.size() < 4 || number<std::int32_t>(bytes.data()) != 1) fail(file, "is no MGH file of version 1");
  if (bytes.size() < kHeaderBytes) fail(file, "is truncated: its header ends early");
  const Geometry geometry = geometry_of(bytes);
  double voxels = 1;  // in floating point: a product of damaged sizes overflows integers
  for (const int size : geometry.size) {
    if (size < 1) fail(file, "is no MGH file: a size is " + std::to_string(size));
    voxels *= size;
  }
  if (const auto frames = number<std::int32_t>(bytes.data() + 16); frames != 1)
    fail(file, "has " + std::to_string(frames) + " frames; a volume has 1");
  if (voxels > static_cast<double>(bytes.size())) fail(file, "is truncated: it has fewer bytes than voxels");
  require_unsheared(file, geometry, "affine");
  return convert(file, StoredVoxels{.geometry = geometry,
                                    .type = type_of(file, number<std::int32_t>(bytes.data() + 20)),
                                    .big_endian = true,
                                    .bytes = std::span(bytes).subspan(kHeaderBytes)});
}

}  // namespace

ReadVolume<float> read_mgz_image(const std::filesystem::path& file) {
  return read(file, image_of);
}

ReadVolume<std::int32_t> read_mgz_label_map(const std::filesystem::path& file) {
  return read(file, labels_of);
}

}  // namespace crossfade::data
