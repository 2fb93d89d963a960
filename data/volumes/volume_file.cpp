#include "data/volumes/volume_file.hpp"

#include <zlib.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

namespace crossfade::data {

void fail(const std::filesystem::path& file, const std::string& what) {
  throw std::runtime_error(file.string() + ": " + what);
}

void unpack(const std::filesystem::path& file, const std::function<void(std::span<const unsigned char>)>& take) {
  struct Closer {
    void operator()(gzFile stream) const { gzclose_r(stream); }
  };
  const std::unique_ptr<gzFile_s, Closer> stream(gzopen(file.c_str(), "rb"));  // reads plain files as they are
  if (!stream) fail(file, "cannot be opened");
  std::vector<unsigned char> piece(1 << 20);
  int count = 0;
  while ((count = gzread(stream.get(), piece.data(), static_cast<unsigned>(piece.size()))) > 0)
    take(std::span(piece).first(static_cast<std::size_t>(count)));
  int status = Z_OK;
  gzerror(stream.get(), &status);
  if (status != Z_OK)
    fail(file,
         status == Z_BUF_ERROR ? "is truncated: its compressed data end early" : "its compressed data are damaged");
}

std::int32_t label_of(const std::filesystem::path& file, std::size_t n, double value) {
  if (!(std::abs(value) <= 2147483647.0) || value != std::trunc(value))
    fail(file, "voxel " + std::to_string(n) + " holds " + std::to_string(value) +
                   ", and a label map has integers of at most 32 bits");
  return static_cast<std::int32_t>(value);
}

}  // namespace crossfade::data
