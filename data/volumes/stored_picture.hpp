// A picture as its file stores it, whatever the format.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/volumes/volume_file.hpp"

namespace crossfade::data {

/// Pixels that a picture may have: sizes beyond are those of damaged files, or of no picture for a net.
inline constexpr std::size_t kMostPixels = std::size_t{1} << 28;

struct StoredPicture {
  enum class Kind { kGrey, kPalette, kColours };

  int width = 0, height = 0;
  Kind kind = Kind::kGrey;
  VoxelType type = VoxelType::kUint8;  // samples of fewer than 8 bits are unpacked to kUint8, not scaled
  bool big_endian = false;
  int bits = 8;                                       // of a sample in the file
  bool white_is_zero = false;                         // grey: 0 is the brightest
  std::vector<std::vector<unsigned char>> planes;     // one of grey or indices, three of colours; rows from the top
  std::vector<std::array<std::uint16_t, 3>> palette;  // red, green, blue by index

  std::size_t pixels() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }
};

/// Throws std::runtime_error naming the file where a picture has no pixels, or more than kMostPixels.
void require_size(const std::filesystem::path& file, std::uint64_t width, std::uint64_t height);

/// The first `planes` of `samples` samples a pixel, each of `bytes` bytes, that lie pixel by pixel in `rows`; a row is
/// `stride` bytes. Alpha, which comes last, is so left out.
std::vector<std::vector<unsigned char>> planes_of(const std::vector<unsigned char>& rows, const StoredPicture& picture,
                                                  std::size_t stride, std::size_t samples, std::size_t planes);

}  // namespace crossfade::data
