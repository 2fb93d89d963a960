#include "data/volumes/outlines.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>

#include "data/volumes/png_file.hpp"
#include "data/volumes/small_font.hpp"

namespace crossfade::data {
namespace {

using Colour = std::array<std::uint8_t, 3>;

constexpr int kGap = 6;  // pixels around each cell
constexpr int kInk = 2;  // pixels of the sheet a pixel of a letter has, along a side
constexpr int kMostSide = 32767;
constexpr std::uint8_t kBackground = 40;
constexpr Colour kLetters{230, 230, 230};

/// Each is the one furthest in CIELAB from those before it, among colours that are no grey and not dark.
constexpr std::array<Colour, 20> kOutlines{{{255, 85, 85},   {0, 255, 0},     {0, 221, 255},   {238, 0, 255},
                                            {238, 204, 17},  {119, 136, 255}, {68, 170, 85},   {221, 85, 170},
                                            {255, 187, 136}, {255, 136, 0},   {187, 255, 102}, {0, 255, 221},
                                            {0, 255, 136},   {153, 136, 34},  {255, 187, 255}, {238, 255, 170},
                                            {51, 153, 221},  {238, 136, 153}, {221, 119, 255}, {34, 187, 0}}};

bool is_class(std::uint8_t label) {
  return label != 0 && label != 255;
}

void paint(Picture& picture, int x, int y, const Colour& colour) {
  const std::size_t place =
      3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) + static_cast<std::size_t>(x));
  std::ranges::copy(colour, picture.rgb.begin() + static_cast<std::ptrdiff_t>(place));
}

/// Bytes from 0x80 to 0xBF go on with a character that UTF-8 began before them.
std::string without_continuations(std::string text) {
  std::erase_if(text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; });
  return text;
}

/// With a blank behind it, so that it does not run into the next one.
int caption_width(const SheetSlice& slice) {
  const int letters = static_cast<int>(without_continuations(slice.caption).size());
  return letters == 0 ? 0 : (letters + 1) * (kGlyphWidth + 1) * kInk;
}

void write_caption(Picture& sheet, int left, int top, const std::string& caption) {
  for (const char character : without_continuations(caption)) {
    const Glyph glyph = glyph_of(character);
    for (int y = 0; y < kGlyphHeight * kInk; ++y)
      for (int x = 0; x < kGlyphWidth * kInk; ++x)
        if (glyph[static_cast<std::size_t>(y / kInk)][static_cast<std::size_t>(x / kInk)] == '#')
          paint(sheet, left + x, top + y, kLetters);
    left += (kGlyphWidth + 1) * kInk;
  }
}

std::uint8_t level_of(const GreyWindow& window, float value) {
  const float part = (value - window.low) / (window.high - window.low);
  if (!(part > 0)) return 0;  // or no number
  return static_cast<std::uint8_t>(std::lround(255 * std::min(part, 1.0F)));
}

/// One slice, its row 0 lowest. (x, y) is a pixel of the magnified slice, y from the top.
struct Magnified {
  const SheetSlice& slice;
  int factor;

  int width() const { return slice.width * factor; }
  int height() const { return slice.height * factor; }
  std::size_t index(int x, int y) const {
    const int row = slice.height - 1 - y / factor;
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(slice.width) + static_cast<std::size_t>(x / factor);
  }
  bool has_label(int x, int y, std::uint8_t label) const {
    return x >= 0 && y >= 0 && x < width() && y < height() && slice.labels[index(x, y)] == label;
  }
  bool is_outline(int x, int y) const {
    if (slice.labels.empty()) return false;
    const std::uint8_t label = slice.labels[index(x, y)];
    return is_class(label) && !(has_label(x - 1, y, label) && has_label(x + 1, y, label) &&
                                has_label(x, y - 1, label) && has_label(x, y + 1, label));
  }
  Colour colour(int x, int y) const {
    const std::size_t n = index(x, y);
    if (is_outline(x, y)) return outline_colour(slice.labels[n]);
    const std::uint8_t level = level_of(slice.window, slice.grey[n]);
    return {level, level, level};
  }
};

void require_sound(std::span<const SheetSlice> slices, int columns, int magnification) {
  if (slices.empty()) throw std::invalid_argument("a contact sheet of no slices");
  if (columns < 0) throw std::invalid_argument("a contact sheet of " + std::to_string(columns) + " columns");
  if (magnification < 1) throw std::invalid_argument("a magnification of " + std::to_string(magnification));
  for (std::size_t n = 0; n < slices.size(); ++n) {
    const SheetSlice& slice = slices[n];
    const std::string which = "slice " + std::to_string(n) + " of a contact sheet ";
    if (slice.width < 1 || slice.height < 1 || slice.width > kMostSide || slice.height > kMostSide)
      throw std::invalid_argument(which + "has " + std::to_string(slice.width) + " x " + std::to_string(slice.height) +
                                  " pixels");
    const std::size_t pixels = static_cast<std::size_t>(slice.width) * static_cast<std::size_t>(slice.height);
    if (slice.grey.size() != pixels || (!slice.labels.empty() && slice.labels.size() != pixels))
      throw std::invalid_argument(which + "has " + std::to_string(slice.grey.size()) + " grey levels and " +
                                  std::to_string(slice.labels.size()) + " labels, expected " + std::to_string(pixels));
    if (!(slice.window.low < slice.window.high))
      throw std::invalid_argument(which + "is black at " + std::to_string(slice.window.low) + " and white at " +
                                  std::to_string(slice.window.high) + ", expected the first below the second");
  }
}

struct Layout {
  int columns = 1, rows = 1;
  int caption = 0;            // height with the space below; 0 where no slice has one
  int width = 0, height = 0;  // of a cell

  int left(int column) const { return kGap + column * (width + kGap); }
  int top(int row) const { return kGap + row * (height + kGap); }
};

Layout layout_of(std::span<const SheetSlice> slices, int columns, int magnification) {
  const int count = static_cast<int>(slices.size());
  Layout layout;
  layout.columns =
      columns > 0 ? std::min(columns, count) : static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count))));
  layout.rows = (count + layout.columns - 1) / layout.columns;
  std::int64_t width = 0, height = 0;
  for (const SheetSlice& slice : slices) {
    if (!slice.caption.empty()) layout.caption = (kGlyphHeight + 2) * kInk;
    width = std::max({width, std::int64_t{slice.width} * magnification, std::int64_t{caption_width(slice)}});
    height = std::max(height, std::int64_t{slice.height} * magnification);
  }
  height += layout.caption;
  const std::int64_t sheet_width = kGap + layout.columns * (width + kGap),
                     sheet_height = kGap + layout.rows * (height + kGap);
  if (sheet_width > kMostSide || sheet_height > kMostSide)
    throw std::invalid_argument("a contact sheet of " + std::to_string(sheet_width) + " x " +
                                std::to_string(sheet_height) + " pixels, expected at most " +
                                std::to_string(kMostSide) + " either way: fewer slices, or a smaller magnification");
  layout.width = static_cast<int>(width);
  layout.height = static_cast<int>(height);
  return layout;
}

}  // namespace

void write_png(const std::filesystem::path& file, const Picture& picture) {
  write_png_rows(file,
                 {.width = picture.width, .height = picture.height, .channels = 3, .bits = 8, .bytes = picture.rgb});
}

Colour outline_colour(std::uint8_t class_id) {
  return is_class(class_id) ? kOutlines[(class_id - 1U) % kOutlines.size()] : Colour{};
}

GreyWindow grey_window(std::span<const float> grey) {
  std::vector<float> sorted(grey.begin(), grey.end());
  std::ranges::sort(sorted);
  const float low = sorted[sorted.size() / 100], high = sorted[sorted.size() - 1 - sorted.size() / 100];
  return {low, high > low ? high : low + 1};
}

std::vector<std::uint8_t> grey_levels(std::span<const float> grey, const GreyWindow& window) {
  std::vector<std::uint8_t> levels;
  for (const float value : grey) levels.push_back(level_of(window, value));
  return levels;
}

Picture contact_sheet(std::span<const SheetSlice> slices, int columns, int magnification) {
  require_sound(slices, columns, magnification);
  const Layout layout = layout_of(slices, columns, magnification);
  Picture sheet{layout.left(layout.columns), layout.top(layout.rows), {}};
  sheet.rgb.assign(3 * static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height), kBackground);
  for (std::size_t n = 0; n < slices.size(); ++n) {
    const int left = layout.left(static_cast<int>(n) % layout.columns),
              top = layout.top(static_cast<int>(n) / layout.columns);
    write_caption(sheet, left, top, slices[n].caption);
    const Magnified magnified{slices[n], magnification};
    for (int y = 0; y < magnified.height(); ++y)
      for (int x = 0; x < magnified.width(); ++x)
        paint(sheet, left + x, top + layout.caption + y, magnified.colour(x, y));
  }
  return sheet;
}

}  // namespace crossfade::data
