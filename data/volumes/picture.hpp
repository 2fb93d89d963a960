// 2-D images as volumes of one slice: PNG and TIFF.
//
// Pixel (column, row), rows counted from the top, is voxel (column, row, 0) at x = column, y = -row, z = 0 mm: columns
// run to the right and rows to posterior, so that once axes are canonical (to_canonical()) the top row has the largest
// j and slices are drawn upright. A pixel is 1 mm, whatever resolution the file states: many state one that nobody
// meant (72 per inch), and an image and its labels seldom the same. So pictures of equal size lie on one grid.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/volumes/reading_notes.hpp"

namespace crossfade::data {

/// By the ending of its name: .png, .tif or .tiff, in capitals or not, with something before it.
bool is_picture(const std::filesystem::path& file);

/// The channels of a picture, on one grid of size {width, height, 1}: one of grey, three (red, green, blue) of colours
/// and of a palette, whose colours are looked up. Values are as stored, not scaled: 0 to 255 of 8 bits, 0 to 65535 of
/// 16 and of a TIFF's palette, 0 and 1 of 1 bit; where a TIFF says that 0 is white, they are counted from black. Pixels
/// of a floating-point TIFF that are not finite become 0 and are counted. Alpha and transparency are left out. Throws
/// std::runtime_error that names the file for what read_png() and read_tiff() refuse, and for a palette without an
/// index that is used.
std::vector<ReadVolume<float>> read_picture(const std::filesystem::path& file);

/// The ids of a grey or palette picture as they are stored: of a palette the index, not its colour; of 1 bit 0 and 1.
/// Floating point is rounded and counted as labels_of() in volume_file.hpp does. Throws as read_picture(), and for
/// colours (nothing says which is which id) and a TIFF that says that 0 is white (nothing says whether 0 or white is
/// the background).
ReadVolume<std::int32_t> read_picture_labels(const std::filesystem::path& file);

/// Writes one slice as a grey PNG of 8 bits, or of 16 where an id is above 255; beside the target first and then
/// renamed. Rows go downwards from anterior to posterior and columns to the right, in whatever order the axes of
/// `labels` are: labels on the grid of a picture that was read have that picture's rows. Throws std::runtime_error that
/// names the file where it doesn't end in .png or can't be written, for more than one slice, and for ids below 0 or
/// above 65535.
void write_picture_labels(const std::filesystem::path& file, const Volume<std::int32_t>& labels);

}  // namespace crossfade::data
