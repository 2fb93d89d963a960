// PNG on disk, by libpng.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "data/volumes/stored_picture.hpp"

namespace crossfade::data {

/// A PNG of any kind: grey of 1 to 16 bits, colours, palette; interlaced or not; alpha and transparency are left out,
/// gamma, colour profile and resolution not looked at. Throws std::runtime_error that names the file where it is
/// missing, no PNG, truncated (to its very end, IEND), damaged, or of more than kMostPixels pixels.
StoredPicture read_png(const std::filesystem::path& file);

/// What a PNG is written from.
struct PngRows {
  int width = 0, height = 0;
  int channels = 1;                      // 1: grey, 3: red, green, blue
  int bits = 8;                          // or 16, the high byte first
  std::span<const unsigned char> bytes;  // rows from the top, pixel by pixel
};

/// The file's bytes. Throws std::invalid_argument where `rows` has other channels, bits or numbers of bytes than it
/// may.
std::vector<unsigned char> png_of(const PngRows& rows);

/// Writes beside `file`, syncs, renames. Throws std::runtime_error that names the file where it can't be written, and
/// as png_of().
void write_png_rows(const std::filesystem::path& file, const PngRows& rows);

}  // namespace crossfade::data
