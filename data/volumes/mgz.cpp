#include "data/volumes/mgz.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string>

#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

constexpr std::size_t kHeaderBytes = 284;

std::vector<unsigned char> unpacked(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) fail(file, "no such file");
  std::vector<unsigned char> bytes;
  unpack(file, [&](std::span<const unsigned char> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return bytes;
}

/// The number at `bytes`; every number of the format is big-endian.
template <class T>
T number(const unsigned char* bytes) {
  static_assert(std::endian::native == std::endian::little);
  std::array<unsigned char, sizeof(T)> native{};
  std::reverse_copy(bytes, bytes + sizeof(T), native.begin());
  return std::bit_cast<T>(native);
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

template <class Stored, class Take>
void each_voxel(const std::filesystem::path& file, const std::vector<unsigned char>& bytes, std::size_t voxels,
                const Take& take) {
  const std::size_t expected = kHeaderBytes + voxels * sizeof(Stored);
  if (bytes.size() < expected)
    fail(file, "is truncated: it has " + std::to_string(bytes.size()) + " bytes of " + std::to_string(expected));
  for (std::size_t n = 0; n < voxels; ++n)
    take(n, static_cast<double>(number<Stored>(bytes.data() + kHeaderBytes + n * sizeof(Stored))));
}

/// A volume whose voxels are what `convert` makes of each voxel's number and value.
template <class T, class Convert>
Volume<T> read(const std::filesystem::path& file, const Convert& convert) {
  const std::vector<unsigned char> bytes = unpacked(file);
  if (bytes.size() < 4 || number<std::int32_t>(bytes.data()) != 1) fail(file, "is no MGH file of version 1");
  if (bytes.size() < kHeaderBytes) fail(file, "is truncated: its header ends early");
  Volume<T> volume{geometry_of(bytes), {}};
  double voxels = 1;  // in floating point: a product of damaged sizes overflows integers
  for (const int size : volume.geometry.size) {
    if (size < 1) fail(file, "is no MGH file: a size is " + std::to_string(size));
    voxels *= size;
  }
  if (const auto frames = number<std::int32_t>(bytes.data() + 16); frames != 1)
    fail(file, "has " + std::to_string(frames) + " frames; a volume has 1");
  if (voxels > static_cast<double>(bytes.size())) fail(file, "is truncated: it has fewer bytes than voxels");

  const std::size_t count = volume.geometry.voxels();
  volume.voxels.resize(count);
  const auto take = [&](std::size_t n, double value) { volume.voxels[n] = convert(n, value); };
  switch (const auto type = number<std::int32_t>(bytes.data() + 20)) {
    case 0:
      each_voxel<std::uint8_t>(file, bytes, count, take);
      break;
    case 1:
      each_voxel<std::int32_t>(file, bytes, count, take);
      break;
    case 3:
      each_voxel<float>(file, bytes, count, take);
      break;
    case 4:
      each_voxel<std::int16_t>(file, bytes, count, take);
      break;
    case 10:
      each_voxel<std::uint16_t>(file, bytes, count, take);
      break;
    default:
      fail(file, "has voxels of type " + std::to_string(type) + "; known are 0, 1, 3, 4 and 10");
  }
  return volume;
}

}  // namespace

Volume<float> read_mgz_image(const std::filesystem::path& file) {
  return read<float>(file, [](std::size_t, double value) { return static_cast<float>(value); });
}

Volume<std::int32_t> read_mgz_label_map(const std::filesystem::path& file) {
  return read<std::int32_t>(file, [&](std::size_t n, double value) { return label_of(file, n, value); });
}

}  // namespace crossfade::data
