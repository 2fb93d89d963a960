#include "data/volumes/stored_picture.hpp"

#include <algorithm>
#include <string>

namespace crossfade::data {

void require_size(const std::filesystem::path& file, std::uint64_t width, std::uint64_t height) {
  constexpr std::uint64_t kMost = kMostPixels;
  if (width == 0 || height == 0 || width > kMost || height > kMost || width * height > kMost)
    fail(file, "is " + std::to_string(width) + " x " + std::to_string(height) + " pixels, expected 1 to " +
                   std::to_string(kMost) + " in all: it is damaged, or must be cut into tiles");
}

std::vector<std::vector<unsigned char>> planes_of(const std::vector<unsigned char>& rows, const StoredPicture& picture,
                                                  std::size_t stride, std::size_t samples, std::size_t planes) {
  const std::size_t bytes = bytes_of(picture.type), width = static_cast<std::size_t>(picture.width);
  std::vector<std::vector<unsigned char>> result(planes, std::vector<unsigned char>(picture.pixels() * bytes));
  for (std::size_t plane = 0; plane < planes; ++plane)
    for (std::size_t y = 0; y < static_cast<std::size_t>(picture.height); ++y)
      for (std::size_t x = 0; x < width; ++x)
        std::copy_n(rows.data() + y * stride + (x * samples + plane) * bytes, bytes,
                    result[plane].data() + (y * width + x) * bytes);
  return result;
}

}  // namespace crossfade::data
