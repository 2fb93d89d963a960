// Slices to look at: grey levels with the outlines of their labels, many on one sheet, as PNG.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace crossfade::data {

struct Picture {
  int width = 0, height = 0;           // pixels
  std::vector<std::uint8_t> rgb = {};  // [height, width, 3], rows from the top
};

/// Writes beside `file`, syncs, renames. Throws std::runtime_error that names the file where it can't be written, and
/// std::invalid_argument for a picture without pixels or of another number of bytes.
void write_png(const std::filesystem::path& file, const Picture& picture);

/// Grey levels that are drawn black and white; between them linear.
struct GreyWindow {
  float low = 0, high = 255;
};

/// From the 1st to the 99th percentile, or one level where these are the same. `grey`: at least one value.
GreyWindow grey_window(std::span<const float> grey);

/// 0 (black; what is no number, too) to 255 (white).
std::vector<std::uint8_t> grey_levels(std::span<const float> grey, const GreyWindow& window);

/// One slice on a sheet. Both arrays are [height, width]; the first row, j = 0, is drawn lowest, since j runs to
/// anterior (or superior) in slices of a canonical volume.
struct SheetSlice {
  int width = 0, height = 0;
  std::span<const float> grey;  // what is no number is drawn black
  GreyWindow window = {};
  std::span<const std::uint8_t> labels = {};  // class ids; empty: no outlines
  std::string caption = {};                   // one line above the slice, of the characters of small_font.hpp
};

/// Colour of a class's outline: twenty that are easily told apart on grey, which then come again. 0 (no class) and 255
/// (not judged) have none, and stand here for black.
std::array<std::uint8_t, 3> outline_colour(std::uint8_t class_id);

/// The slices row by row, `columns` beside each other (0: as many as make the sheet about as many cells wide as high),
/// each pixel as a square of `magnification` pixels of the sheet. All cells are as large as the largest slice or
/// caption needs; a slice stands in the upper left corner of its cell, under its caption. A class is outlined by a line
/// one pixel of the sheet wide, which lies within it, also at the edge of the slice; 0 and 255 are not outlined. Throws
/// std::invalid_argument that names the slice for arrays of other sizes than it states and for low not below high, and
/// where there are no slices, columns are below 0, magnification is below 1, or the sheet is wider or higher than
/// 32767 pixels.
Picture contact_sheet(std::span<const SheetSlice> slices, int columns, int magnification);

}  // namespace crossfade::data
