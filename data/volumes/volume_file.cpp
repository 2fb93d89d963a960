#include "data/volumes/volume_file.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

template <class Stored, class Take>
void each_of(const fs::path& file, const StoredVoxels& stored, const Take& take) {
  const std::size_t count = stored.geometry.voxels();
  if (stored.bytes.size() / sizeof(Stored) < count)
    fail(file, "is truncated: it has " + std::to_string(stored.bytes.size()) + " bytes of voxels, expected " +
                   std::to_string(count * sizeof(Stored)));
  for (std::size_t n = 0; n < count; ++n)
    take(n, stored.slope *
                    static_cast<double>(number<Stored>(stored.bytes.data() + n * sizeof(Stored), stored.big_endian)) +
                stored.intercept);
}

/// Calls `take` with each voxel's number and value.
template <class Take>
void each_voxel(const fs::path& file, const StoredVoxels& stored, const Take& take) {
  switch (stored.type) {
    case VoxelType::kUint8:
      return each_of<std::uint8_t>(file, stored, take);
    case VoxelType::kInt8:
      return each_of<std::int8_t>(file, stored, take);
    case VoxelType::kUint16:
      return each_of<std::uint16_t>(file, stored, take);
    case VoxelType::kInt16:
      return each_of<std::int16_t>(file, stored, take);
    case VoxelType::kUint32:
      return each_of<std::uint32_t>(file, stored, take);
    case VoxelType::kInt32:
      return each_of<std::int32_t>(file, stored, take);
    case VoxelType::kUint64:
      return each_of<std::uint64_t>(file, stored, take);
    case VoxelType::kInt64:
      return each_of<std::int64_t>(file, stored, take);
    case VoxelType::kFloat32:
      return each_of<float>(file, stored, take);
    case VoxelType::kFloat64:
      return each_of<double>(file, stored, take);
  }
}

std::string text_of(double value) {
  std::ostringstream text;
  text.precision(6);
  text << value;
  return text.str();
}

bool is_scaled(const StoredVoxels& stored) {
  return stored.slope != 1 || stored.intercept != 0;
}

/// How far a label may be from an integer: what a float32 loses, or half a step of the scaled integers.
double label_tolerance(const StoredVoxels& stored) {
  constexpr double kFloating = 1e-3, kMost = 0.1;
  const double step = std::abs(stored.slope);
  return is_scaled(stored) && step < 1 ? std::min(kMost, std::max(kFloating, step / 2)) : kFloating;
}

[[noreturn]] void refuse_label(const fs::path& file, const StoredVoxels& stored, std::size_t n, double value) {
  fail(file, "voxel " + std::to_string(n) + " holds " + text_of(value) +
                 ", and a label map has integers of at most 32 bits" +
                 (is_scaled(stored) ? "; its header scales what is stored by " + text_of(stored.slope) + ", from " +
                                          text_of(stored.intercept) + ": save it as integers, without scaling"
                                    : ""));
}

}  // namespace

void fail(const fs::path& file, const std::string& what) {
  throw std::runtime_error(file.string() + ": " + what);
}

std::string volume_ending(const fs::path& file) {
  std::string name = file.filename().string();
  std::ranges::transform(name, name.begin(), [](unsigned char letter) { return std::tolower(letter); });
  for (const char* ending : {".nii.gz", ".nii", ".mgz", ".mgh"})
    if (name.ends_with(ending) && name != ending) return ending;
  return "";
}

void require_file(const fs::path& file) {
  std::error_code error;
  if (fs::exists(file, error)) {
    if (!fs::is_regular_file(file, error)) fail(file, "is no file, expected one");
  } else if (fs::is_symlink(fs::symlink_status(file, error))) {
    fail(file, "is a link to " + fs::read_symlink(file, error).string() + ", which is not there");
  } else {
    fail(file, "no such file");
  }
}

std::vector<unsigned char> unpacked(const fs::path& file, std::size_t most) {
  struct Closer {
    void operator()(gzFile stream) const { gzclose_r(stream); }
  };
  const std::unique_ptr<gzFile_s, Closer> stream(gzopen(file.c_str(), "rb"));  // reads plain files as they are
  if (!stream) fail(file, "cannot be opened");
  std::vector<unsigned char> bytes, piece(most > 0 ? most : 1 << 20);
  int count = 0;
  while ((most == 0 || bytes.size() < most) &&
         (count = gzread(stream.get(), piece.data(), static_cast<unsigned>(piece.size()))) > 0)
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
  if (most > 0) return bytes;
  int status = Z_OK;
  gzerror(stream.get(), &status);
  if (status != Z_OK)
    fail(file,
         status == Z_BUF_ERROR ? "is truncated: its compressed data end early" : "its compressed data are damaged");
  return bytes;
}

std::size_t bytes_of(VoxelType type) {
  switch (type) {
    case VoxelType::kUint8:
    case VoxelType::kInt8:
      return 1;
    case VoxelType::kUint16:
    case VoxelType::kInt16:
      return 2;
    case VoxelType::kUint32:
    case VoxelType::kInt32:
    case VoxelType::kFloat32:
      return 4;
    case VoxelType::kUint64:
    case VoxelType::kInt64:
    case VoxelType::kFloat64:
      return 8;
  }
  return 0;
}

ReadVolume<float> image_of(const fs::path& file, const StoredVoxels& stored) {
  ReadVolume<float> image{{stored.geometry, std::vector<float>(stored.geometry.voxels())}, {}};
  each_voxel(file, stored, [&](std::size_t n, double value) {
    image.voxels[n] = static_cast<float>(value);
    if (std::isfinite(image.voxels[n])) return;
    image.voxels[n] = 0;
    ++image.notes.not_finite;
  });
  return image;
}

ReadVolume<std::int32_t> labels_of(const fs::path& file, const StoredVoxels& stored) {
  ReadVolume<std::int32_t> labels{{stored.geometry, std::vector<std::int32_t>(stored.geometry.voxels())}, {}};
  const double tolerance = label_tolerance(stored);
  each_voxel(file, stored, [&](std::size_t n, double value) {
    const double label = std::round(value), change = std::abs(value - label);
    if (!(change <= tolerance) || !(std::abs(label) <= 2147483647.0)) refuse_label(file, stored, n, value);  // or NaN
    labels.voxels[n] = static_cast<std::int32_t>(label);
    if (change == 0) return;
    ++labels.notes.rounded;
    labels.notes.rounding = std::max(labels.notes.rounding, change);
  });
  return labels;
}

IdRange ids_of(std::span<const std::int32_t> labels) {
  if (labels.empty()) return {};
  const auto [least, most] = std::ranges::minmax(labels);
  return {least, most};
}

void require_unsheared(const fs::path& file, const Geometry& geometry, const std::string& what) {
  constexpr double kRounding = 1e-3;  // a quarter of a voxel over 256
  const std::array<double, 3> spacing = geometry.spacing();
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (!(spacing[axis] > 0) || !std::isfinite(spacing[axis]))
      fail(file, "axis " + std::to_string(axis + 1) + " of its " + what + " has length " + text_of(spacing[axis]) +
                     " mm, expected one above 0");
  for (const auto& [a, b] : {std::pair<std::size_t, std::size_t>{0, 1}, {0, 2}, {1, 2}}) {
    double cosine = 0;
    for (std::size_t row = 0; row < 3; ++row)
      cosine += geometry.affine[row][a] / spacing[a] * (geometry.affine[row][b] / spacing[b]);
    if (std::abs(cosine) > kRounding)
      fail(file, "its " + what + " is sheared: the cosine between axes " + std::to_string(a + 1) + " and " +
                     std::to_string(b + 1) + " is " + text_of(cosine) +
                     ", expected at most 0.001; resample it to a grid with right angles (nibabel.processing.conform, "
                     "mri_convert), or take the affine of another file of this grid");
  }
}

}  // namespace crossfade::data
