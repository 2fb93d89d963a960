#include "data/volumes/mgz.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <string>
#include <utility>

#include "data/publish.hpp"
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

struct Header {
  Geometry geometry;
  std::int32_t frames;
  VoxelType type;
};

/// Of a file of up to `most_frames` that begins with `bytes`.
Header header_of(const std::filesystem::path& file, const std::vector<unsigned char>& bytes, int most_frames) {
  if (bytes.size() < 4 || number<std::int32_t>(bytes.data()) != 1) fail(file, "is no MGH file of version 1");
  if (bytes.size() < kHeaderBytes) fail(file, "is truncated: its header ends early");
  const Geometry geometry = geometry_of(bytes);
  for (const int size : geometry.size)
    if (size < 1) fail(file, "is no MGH file: a size is " + std::to_string(size));
  const auto frames = number<std::int32_t>(bytes.data() + 16);
  if (frames < 1 || frames > most_frames)
    fail(file, "has " + std::to_string(frames) + " frames; " +
                   (most_frames > 1 ? "the channels of an image are 1 to " + std::to_string(most_frames)
                                    : std::string("a volume has 1")));
  require_unsheared(file, geometry, "affine");
  return {geometry, frames, type_of(file, number<std::int32_t>(bytes.data() + 20))};
}

/// What the readers share: a file's frames, up to `most_frames`, each read by `convert`, image_of or labels_of.
template <class Convert>
auto read(const std::filesystem::path& file, int most_frames, const Convert& convert) {
  require_file(file);
  const std::vector<unsigned char> bytes = unpacked(file);
  const auto [geometry, frames, type] = header_of(file, bytes, most_frames);
  double voxels = frames;  // in floating point: a product of damaged sizes overflows integers
  for (const int size : geometry.size) voxels *= size;
  if (voxels > static_cast<double>(bytes.size())) fail(file, "is truncated: it has fewer bytes than voxels");
  StoredVoxels stored{
      .geometry = geometry, .type = type, .big_endian = true, .bytes = std::span(bytes).subspan(kHeaderBytes)};
  const std::size_t step = geometry.voxels() * bytes_of(stored.type);
  std::vector<decltype(convert(file, stored))> volumes;
  for (int n = 0; n < frames; ++n) {
    if (n > 0) stored.bytes = stored.bytes.subspan(step);  // there: the frame before was not truncated
    volumes.push_back(convert(file, stored));
  }
  return volumes;
}

void put(std::vector<unsigned char>& bytes, std::size_t place, auto value) {
  auto stored = std::bit_cast<std::array<unsigned char, sizeof value>>(value);
  if (std::endian::native == std::endian::little) std::ranges::reverse(stored);
  std::ranges::copy(stored, bytes.begin() + static_cast<std::ptrdiff_t>(place));
}

/// The inverse of geometry_of().
void put_geometry(std::vector<unsigned char>& bytes, const Geometry& geometry) {
  const std::array<double, 3> spacing = geometry.spacing();
  put(bytes, 28, std::int16_t{1});
  for (std::size_t axis = 0; axis < 3; ++axis) {
    put(bytes, 4 + 4 * axis, static_cast<std::int32_t>(geometry.size[axis]));
    put(bytes, 30 + 4 * axis, static_cast<float>(spacing[axis]));
  }
  for (std::size_t row = 0; row < 3; ++row) {
    double centre = geometry.affine[row][3];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      centre += geometry.affine[row][axis] * geometry.size[axis] / 2;
      put(bytes, 42 + 4 * (3 * axis + row), static_cast<float>(geometry.affine[row][axis] / spacing[axis]));
    }
    put(bytes, 78 + 4 * row, static_cast<float>(centre));
  }
}

template <class Stored>
std::vector<unsigned char> contents_of(const Volume<std::int32_t>& labels, std::int32_t type) {
  std::vector<unsigned char> bytes(kHeaderBytes + labels.voxels.size() * sizeof(Stored));
  put(bytes, 0, std::int32_t{1});
  put(bytes, 16, std::int32_t{1});
  put(bytes, 20, type);
  put_geometry(bytes, labels.geometry);
  for (std::size_t n = 0; n < labels.voxels.size(); ++n)
    put(bytes, kHeaderBytes + n * sizeof(Stored), static_cast<Stored>(labels.voxels[n]));
  return bytes;
}

}  // namespace

Geometry read_mgz_geometry(const std::filesystem::path& file) {
  require_file(file);
  return header_of(file, unpacked(file, kHeaderBytes), kMostChannels).geometry;
}

ReadVolume<float> read_mgz_image(const std::filesystem::path& file) {
  return std::move(read(file, 1, image_of).front());
}

std::vector<ReadVolume<float>> read_mgz_channels(const std::filesystem::path& file) {
  return read(file, kMostChannels, image_of);
}

ReadVolume<std::int32_t> read_mgz_label_map(const std::filesystem::path& file) {
  return std::move(read(file, 1, labels_of).front());
}

void write_mgz_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels) {
  const std::string ending = volume_ending(file);
  if (ending != ".mgz" && ending != ".mgh") fail(file, "is no MGH file by its ending (.mgz or .mgh)");
  const IdRange ids = ids_of(labels.voxels);
  const std::vector<unsigned char> bytes = ids.least >= 0 && ids.most <= 0xFF ? contents_of<std::uint8_t>(labels, 0)
                                           : ids.least >= -0x8000 && ids.most <= 0x7FFF
                                               ? contents_of<std::int16_t>(labels, 4)
                                               : contents_of<std::int32_t>(labels, 1);
  Partial partial(file);
  const gzFile stream = gzopen(partial.path().c_str(), ending == ".mgz" ? "wb" : "wbT");  // T: not packed
  if (stream == nullptr) fail(file, "cannot be written: no file can be made in its folder");
  const bool written = gzfwrite(bytes.data(), 1, bytes.size(), stream) == bytes.size();
  if (gzclose(stream) != Z_OK || !written) fail(file, "cannot be written whole: is the disk full?");
  partial.publish();
}

}  // namespace crossfade::data
