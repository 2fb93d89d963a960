#include "data/volumes/tiff_file.hpp"

#include <tiffio.h>

#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <string>

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using std::to_string;
using Kind = StoredPicture::Kind;

using Complaint = std::array<char, 256>;

/// The first complaint is the cause of the others.
int keep(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& complaint = *static_cast<Complaint*>(user);
  if (complaint[0] == 0) std::vsnprintf(complaint.data(), complaint.size(), format, arguments);
  return 1;  // nobody else need be told
}

int pass_over(TIFF*, void*, const char*, const char*, va_list) {
  return 1;
}

struct Closer {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

/// An open file and what its tags say of its samples.
struct Page {
  const fs::path& file;
  Complaint complaint{};
  std::unique_ptr<TIFF, Closer> tiff = {};
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT, photometric = 0, planar = PLANARCONFIG_CONTIG;

  bool by_planes() const { return planar == PLANARCONFIG_SEPARATE && samples > 1; }
  std::size_t samples_in_row() const { return by_planes() ? 1 : samples; }
  std::size_t stride() const { return (width * samples_in_row() * bits + 7) / 8; }

  [[noreturn]] void refuse(const std::string& what) const {
    fail(file, what + (complaint[0] != 0 ? std::string(": ") + complaint.data() : std::string()));
  }
};

void open(Page& page) {
  const std::unique_ptr<TIFFOpenOptions, Closer> options(TIFFOpenOptionsAlloc());
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep, &page.complaint);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), pass_over, nullptr);
  page.tiff.reset(TIFFOpenExt(page.file.c_str(), "rm", options.get()));  // m: a mapped file may shrink under the reader
  if (!page.tiff) page.refuse("is no TIFF picture, as its ending says, or is truncated or damaged");
}

void read_tags(Page& page) {
  TIFF* tiff = page.tiff.get();
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page.height);
  require_size(page.file, page.width, page.height);
  const std::uint32_t pages = TIFFNumberOfDirectories(tiff);
  if (pages == 0) page.refuse("is truncated or damaged: its list of pages has no end");
  if (pages > 1)
    fail(page.file,
         "has " + to_string(pages) +
             " pages; a picture has one: save each page as a file of its own, or a stack of slices as NIfTI");
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &page.format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &page.planar);
  if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page.photometric) == 0)
    fail(page.file, "does not say whether it is grey or of colours (its photometric interpretation is missing)");
  std::uint16_t orientation = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  if (orientation != ORIENTATION_TOPLEFT)
    fail(page.file, "has orientation " + to_string(orientation) +
                        ", expected 1 (rows from the top, columns from the left): turn its pixels, and save it anew");
}

VoxelType type_of(const Page& page) {
  const bool is_real = page.format == SAMPLEFORMAT_IEEEFP, is_signed = page.format == SAMPLEFORMAT_INT,
             is_unsigned = page.format == SAMPLEFORMAT_UINT || page.format == SAMPLEFORMAT_VOID;
  if (is_unsigned && (page.bits == 1 || page.bits == 2 || page.bits == 4) && page.samples == 1)
    return VoxelType::kUint8;
  if (is_unsigned && page.bits == 8) return VoxelType::kUint8;
  if (is_unsigned && page.bits == 16) return VoxelType::kUint16;
  if (is_unsigned && page.bits == 32) return VoxelType::kUint32;
  if (is_signed && page.bits == 8) return VoxelType::kInt8;
  if (is_signed && page.bits == 16) return VoxelType::kInt16;
  if (is_signed && page.bits == 32) return VoxelType::kInt32;
  if (is_real && page.bits == 32) return VoxelType::kFloat32;
  if (is_real && page.bits == 64) return VoxelType::kFloat64;
  fail(page.file, "has " + to_string(page.samples) + " samples of " + to_string(page.bits) + " bits a pixel, format " +
                      to_string(page.format) +
                      "; known are integers of 8, 16 and 32 bits, real numbers of 32 and 64, "
                      "and one sample of 1, 2 or 4");
}

Kind kind_of(const Page& page) {
  switch (page.photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
      return Kind::kGrey;
    case PHOTOMETRIC_PALETTE:
      return Kind::kPalette;
    case PHOTOMETRIC_RGB:
      return Kind::kColours;
    default:
      fail(page.file, "has photometric interpretation " + to_string(page.photometric) +
                          "; known are 0 and 1 (grey), 2 (RGB) and 3 (palette): save it as one of these");
  }
}

/// That there are the samples of its kind, and alpha at most.
void require_samples(const Page& page, Kind kind) {
  const int wanted = kind == Kind::kColours ? 3 : 1;
  std::uint16_t extra = 0;
  const std::uint16_t* meaning = nullptr;
  TIFFGetFieldDefaulted(page.tiff.get(), TIFFTAG_EXTRASAMPLES, &extra, &meaning);
  // Many writers of RGBA leave unsaid what the fourth sample is; a second one of grey may be another channel.
  const bool is_alpha = extra == 1 && (meaning[0] != EXTRASAMPLE_UNSPECIFIED || kind == Kind::kColours);
  if (page.samples == wanted || (page.samples == wanted + 1 && (is_alpha || (extra == 0 && kind == Kind::kColours))))
    return;
  fail(page.file, "has " + to_string(page.samples) + " samples a pixel, expected " + to_string(wanted) +
                      ", and alpha at most: save its channels as pictures of their own, or as a NIfTI of four "
                      "dimensions");
}

/// The rows of one plane, without padding behind the last sample of a row but to a whole byte.
std::vector<unsigned char> strips_of(const Page& page, std::uint16_t plane) {
  TIFF* tiff = page.tiff.get();
  const std::size_t stride = page.stride();
  if (TIFFScanlineSize64(tiff) != stride) page.refuse("is damaged: its rows have another length than its samples need");
  std::vector<unsigned char> rows(stride * page.height);
  for (std::uint32_t y = 0; y < page.height; ++y)
    if (TIFFReadScanline(tiff, rows.data() + y * stride, y, plane) < 0)
      page.refuse("is truncated or damaged at row " + to_string(y));
  return rows;
}

std::vector<unsigned char> tiles_of(const Page& page, std::uint16_t plane) {
  TIFF* tiff = page.tiff.get();
  std::uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
  require_size(page.file, width, height);
  const std::size_t pixel_bits = page.samples_in_row() * page.bits, stride = page.stride(),
                    tile_stride = (width * pixel_bits + 7) / 8;
  if (width * pixel_bits % 8 != 0 || TIFFTileSize64(tiff) != tile_stride * height)
    page.refuse("is damaged: its tiles have another size than their samples need");
  std::vector<unsigned char> rows(stride * page.height), tile(tile_stride * height);
  for (std::uint32_t y = 0; y < page.height; y += height)
    for (std::uint32_t x = 0; x < page.width; x += width) {
      if (TIFFReadTile(tiff, tile.data(), x, y, 0, plane) < 0)
        page.refuse("is truncated or damaged in the tile at column " + to_string(x) + ", row " + to_string(y));
      const std::size_t start = x * pixel_bits / 8, count = std::min(tile_stride, stride - start);
      for (std::size_t row = 0; row < std::min(height, page.height - y); ++row)
        std::copy_n(tile.data() + row * tile_stride, count, rows.data() + (y + row) * stride + start);
    }
  return rows;
}

/// A byte a sample; the first sample of a byte lies in its highest bits.
std::vector<unsigned char> widened(const Page& page, const std::vector<unsigned char>& rows) {
  const std::size_t each = 8U / page.bits, stride = page.stride();
  const unsigned most = (1U << page.bits) - 1;
  std::vector<unsigned char> samples;
  samples.reserve(std::size_t{page.width} * page.height);
  for (std::size_t y = 0; y < page.height; ++y)
    for (std::size_t x = 0; x < page.width; ++x) {
      const unsigned byte = rows[y * stride + x / each];
      samples.push_back(static_cast<unsigned char>(byte >> (8 - page.bits * (x % each + 1)) & most));
    }
  return samples;
}

std::vector<std::array<std::uint16_t, 3>> palette_of(const Page& page) {
  const std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
  if (page.bits > 16 || TIFFGetField(page.tiff.get(), TIFFTAG_COLORMAP, &red, &green, &blue) == 0)
    page.refuse("is damaged: it has no palette");
  std::vector<std::array<std::uint16_t, 3>> palette;
  for (std::size_t n = 0; n < std::size_t{1} << page.bits; ++n) palette.push_back({red[n], green[n], blue[n]});
  return palette;
}

}  // namespace

StoredPicture read_tiff(const fs::path& file) {
  require_file(file);
  Page page{.file = file};
  open(page);
  read_tags(page);
  StoredPicture picture;
  picture.width = static_cast<int>(page.width);
  picture.height = static_cast<int>(page.height);
  picture.kind = kind_of(page);
  picture.type = type_of(page);
  picture.big_endian = std::endian::native == std::endian::big;  // libtiff swaps
  picture.bits = page.bits;
  picture.white_is_zero = page.photometric == PHOTOMETRIC_MINISWHITE;
  const bool is_unsigned =
      picture.type == VoxelType::kUint8 || picture.type == VoxelType::kUint16 || picture.type == VoxelType::kUint32;
  if ((picture.white_is_zero || picture.kind == Kind::kPalette) && !is_unsigned)
    fail(file, "has signed or real numbers where 0 is white or a palette gives colours, expected unsigned integers");
  require_samples(page, picture.kind);
  if (picture.kind == Kind::kPalette) picture.palette = palette_of(page);

  const std::size_t wanted = picture.kind == Kind::kColours ? 3 : 1, pieces = page.by_planes() ? wanted : 1;
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    const auto plane = static_cast<std::uint16_t>(piece);
    std::vector<unsigned char> rows =
        TIFFIsTiled(page.tiff.get()) != 0 ? tiles_of(page, plane) : strips_of(page, plane);
    if (page.bits < 8) {
      picture.planes.push_back(widened(page, rows));
    } else {
      for (auto& samples :
           planes_of(rows, picture, page.stride(), page.samples_in_row(), page.by_planes() ? 1 : wanted))
        picture.planes.push_back(std::move(samples));
    }
  }
  return picture;
}

}  // namespace crossfade::data
