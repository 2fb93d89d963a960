#include "data/volumes/picture.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "data/volumes/png_file.hpp"
#include "data/volumes/stored_picture.hpp"
#include "data/volumes/tiff_file.hpp"
#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using std::to_string;
using Kind = StoredPicture::Kind;

/// ".png" or ".tif"; empty for another.
std::string ending_of(const fs::path& file) {
  std::string name = file.filename().string();
  std::ranges::transform(name, name.begin(), [](unsigned char letter) { return std::tolower(letter); });
  for (const auto& [ending, format] : {std::pair{".png", ".png"}, {".tif", ".tif"}, {".tiff", ".tif"}})
    if (name.ends_with(ending) && name != ending) return format;
  return "";
}

StoredPicture read_stored(const fs::path& file) {
  const std::string ending = ending_of(file);
  if (ending.empty()) fail(file, "is no picture by its ending (.png, .tif or .tiff)");
  return ending == ".png" ? read_png(file) : read_tiff(file);
}

StoredVoxels voxels_of(const StoredPicture& picture, std::size_t plane) {
  return {.geometry = {{picture.width, picture.height, 1}, {{{1, 0, 0, 0}, {0, -1, 0, 0}, {0, 0, 1, 0}}}},
          .type = picture.type,
          .big_endian = picture.big_endian,
          .bytes = picture.planes[plane]};
}

/// Red, green and blue of a picture of indices.
std::vector<ReadVolume<float>> looked_up(const fs::path& file, const StoredPicture& picture) {
  const ReadVolume<std::int32_t> indices = labels_of(file, voxels_of(picture, 0));
  std::vector<ReadVolume<float>> colours(3, {{indices.geometry, std::vector<float>(indices.voxels.size())}, {}});
  for (std::size_t n = 0; n < indices.voxels.size(); ++n) {
    const auto index = static_cast<std::size_t>(indices.voxels[n]);
    if (index >= picture.palette.size())
      fail(file, "is damaged: a pixel has colour " + to_string(index) + " of a palette of " +
                     to_string(picture.palette.size()));
    for (std::size_t colour = 0; colour < 3; ++colour) colours[colour].voxels[n] = picture.palette[index][colour];
  }
  return colours;
}

[[noreturn]] void refuse_id(const fs::path& file, const Volume<std::int32_t>& upright, std::size_t n) {
  const auto width = static_cast<std::size_t>(upright.geometry.size[0]);
  const std::size_t row = static_cast<std::size_t>(upright.geometry.size[1]) - 1 - n / width;
  fail(file, "cannot be written: the pixel in column " + to_string(n % width) + ", row " + to_string(row) + " has id " +
                 to_string(upright.voxels[n]) + ", and a PNG holds 0 to 65535");
}

}  // namespace

bool is_picture(const fs::path& file) {
  return !ending_of(file).empty();
}

std::vector<ReadVolume<float>> read_picture(const fs::path& file) {
  const StoredPicture picture = read_stored(file);
  if (picture.kind == Kind::kPalette) return looked_up(file, picture);
  std::vector<ReadVolume<float>> channels;
  for (std::size_t plane = 0; plane < picture.planes.size(); ++plane) {
    StoredVoxels stored = voxels_of(picture, plane);
    if (picture.white_is_zero) {
      stored.slope = -1;
      stored.intercept = static_cast<double>((std::uint64_t{1} << picture.bits) - 1);
    }
    channels.push_back(image_of(file, stored));
  }
  return channels;
}

ReadVolume<std::int32_t> read_picture_labels(const fs::path& file) {
  const StoredPicture picture = read_stored(file);
  if (picture.kind == Kind::kColours)
    fail(file,
         "has colours, and nothing says which colour is which label: save the ids as a grey picture, or as one with "
         "a palette");
  if (picture.white_is_zero)
    fail(file,
         "says that 0 is white, and nothing says whether 0 or white is the background: save the ids as a grey "
         "picture whose 0 is black (photometric interpretation 1)");
  return labels_of(file, voxels_of(picture, 0));
}

void write_picture_labels(const fs::path& file, const Volume<std::int32_t>& labels) {
  if (ending_of(file) != ".png") fail(file, "a picture of labels is written as .png");
  const Volume<std::int32_t> upright = reorient(labels, to_canonical(labels.geometry));
  const auto [columns, rows, slices] = upright.geometry.size;
  if (slices != 1) fail(file, "cannot be written: a picture holds one axial slice, and there are " + to_string(slices));
  const IdRange ids = ids_of(upright.voxels);
  for (std::size_t n = 0; (ids.least < 0 || ids.most > 0xFFFF) && n < upright.voxels.size(); ++n)
    if (upright.voxels[n] < 0 || upright.voxels[n] > 0xFFFF) refuse_id(file, upright, n);
  const bool wide = ids.most > 0xFF;
  std::vector<unsigned char> bytes;
  bytes.reserve(upright.voxels.size() * (wide ? 2 : 1));
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      const std::int32_t id = upright.at(column, rows - 1 - row, 0);
      if (wide) bytes.push_back(static_cast<unsigned char>(id >> 8));
      bytes.push_back(static_cast<unsigned char>(id & 0xFF));
    }
  write_png_rows(file, {.width = columns, .height = rows, .channels = 1, .bits = wide ? 16 : 8, .bytes = bytes});
}

}  // namespace crossfade::data
