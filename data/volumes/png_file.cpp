#include "data/volumes/png_file.hpp"

#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/publish.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

/// What libpng complains of; of a fixed size, since it is written where a jump follows.
using Complaint = std::array<char, 160>;

[[noreturn]] void complain(png_structp png, png_const_charp message) {
  auto& complaint = *static_cast<Complaint*>(png_get_error_ptr(png));
  std::snprintf(complaint.data(), complaint.size(), "%s", message);
  png_longjmp(png, 1);
}

void pass_over(png_structp, png_const_charp) {}  // a warning

void append(png_structp png, png_bytep bytes, std::size_t count) {
  auto& all = *static_cast<std::vector<unsigned char>*>(png_get_io_ptr(png));
  all.insert(all.end(), bytes, bytes + count);
}

/// False where libpng jumps out of `step`, which must own nothing that it would then leave behind.
template <class Step>
bool succeeds(png_structp png, const Step& step) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  step();
  return true;
}

struct Closer {
  void operator()(std::FILE* stream) const { std::fclose(stream); }
};
using Stream = std::unique_ptr<std::FILE, Closer>;

struct Reading {
  Complaint complaint{};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &complaint, complain, pass_over);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  Reading() {
    if (info == nullptr) throw std::bad_alloc();
  }
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
};

struct Writing {
  Complaint complaint{};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &complaint, complain, pass_over);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  Writing() {
    if (info == nullptr) throw std::bad_alloc();
  }
  ~Writing() { png_destroy_write_struct(&png, &info); }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
};

[[noreturn]] void refuse(const fs::path& file, std::FILE* stream, const Complaint& complaint) {
  if (std::feof(stream) != 0) fail(file, "is truncated: the PNG ends before its last chunk, IEND");
  fail(file, std::string("is damaged: ") + complaint.data());
}

std::vector<std::array<std::uint16_t, 3>> palette_of(const Reading& reading) {
  png_colorp colours = nullptr;
  int count = 0;
  png_get_PLTE(reading.png, reading.info, &colours, &count);
  std::vector<std::array<std::uint16_t, 3>> palette;
  for (int n = 0; n < count; ++n) palette.push_back({colours[n].red, colours[n].green, colours[n].blue});
  return palette;
}

}  // namespace

StoredPicture read_png(const fs::path& file) {
  require_file(file);
  const Stream stream(std::fopen(file.c_str(), "rb"));
  if (!stream) fail(file, "cannot be opened");
  std::array<unsigned char, 8> signature{};
  if (std::fread(signature.data(), 1, signature.size(), stream.get()) != signature.size() ||
      png_sig_cmp(signature.data(), 0, signature.size()) != 0)
    fail(file, "is no PNG picture, as its ending says");

  Reading reading;
  const png_structp png = reading.png;
  if (!succeeds(png, [&] {
        png_init_io(png, stream.get());
        png_set_sig_bytes(png, static_cast<int>(signature.size()));
        png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // require_size() has its say
        png_read_info(png, reading.info);
      }))
    refuse(file, stream.get(), reading.complaint);
  require_size(file, png_get_image_width(png, reading.info), png_get_image_height(png, reading.info));

  StoredPicture picture;
  picture.width = static_cast<int>(png_get_image_width(png, reading.info));
  picture.height = static_cast<int>(png_get_image_height(png, reading.info));
  picture.bits = png_get_bit_depth(png, reading.info);
  picture.type = picture.bits == 16 ? VoxelType::kUint16 : VoxelType::kUint8;
  picture.big_endian = true;
  const int colours = png_get_color_type(png, reading.info);
  picture.kind = colours == PNG_COLOR_TYPE_PALETTE       ? StoredPicture::Kind::kPalette
                 : (colours & PNG_COLOR_MASK_COLOR) != 0 ? StoredPicture::Kind::kColours
                                                         : StoredPicture::Kind::kGrey;
  if (picture.kind == StoredPicture::Kind::kPalette) picture.palette = palette_of(reading);

  if (!succeeds(png, [&] {
        png_set_packing(png);  // a byte a pixel, not scaled
        png_set_interlace_handling(png);
        png_read_update_info(png, reading.info);
      }))
    refuse(file, stream.get(), reading.complaint);
  const std::size_t stride = png_get_rowbytes(png, reading.info);
  std::vector<unsigned char> bytes(stride * static_cast<std::size_t>(picture.height));
  std::vector<png_bytep> rows;
  for (std::size_t y = 0; y < static_cast<std::size_t>(picture.height); ++y) rows.push_back(bytes.data() + y * stride);
  if (!succeeds(png, [&] {
        png_read_image(png, rows.data());
        png_read_end(png, nullptr);
      }))
    refuse(file, stream.get(), reading.complaint);
  const std::size_t samples = png_get_channels(png, reading.info);
  picture.planes = planes_of(bytes, picture, stride, samples, picture.kind == StoredPicture::Kind::kColours ? 3 : 1);
  return picture;
}

std::vector<unsigned char> png_of(const PngRows& rows) {
  const std::size_t height = static_cast<std::size_t>(rows.height), stride = static_cast<std::size_t>(rows.width) *
                                                                             static_cast<std::size_t>(rows.channels) *
                                                                             static_cast<std::size_t>(rows.bits / 8);
  if (rows.width < 1 || rows.height < 1 || (rows.channels != 1 && rows.channels != 3) ||
      (rows.bits != 8 && rows.bits != 16) || rows.bytes.size() != stride * height)
    throw std::invalid_argument("a PNG of " + std::to_string(rows.width) + " x " + std::to_string(rows.height) +
                                " pixels with " + std::to_string(rows.channels) + " samples of " +
                                std::to_string(rows.bits) + " bits from " + std::to_string(rows.bytes.size()) +
                                " bytes");
  std::vector<unsigned char> bytes;
  Writing writing;
  const png_structp png = writing.png;
  const bool written = succeeds(png, [&] {
    png_set_write_fn(png, &bytes, append, nullptr);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, writing.info, static_cast<png_uint_32>(rows.width), static_cast<png_uint_32>(rows.height),
                 rows.bits, rows.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, writing.info);
    for (std::size_t y = 0; y < height; ++y) png_write_row(png, rows.bytes.data() + y * stride);
    png_write_end(png, nullptr);
  });
  if (!written) throw std::runtime_error(std::string("no PNG could be made: ") + writing.complaint.data());
  return bytes;
}

void write_png_rows(const fs::path& file, const PngRows& rows) {
  const std::vector<unsigned char> bytes = png_of(rows);
  write_whole(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace crossfade::data
