// TIFF on disk, by libtiff.
#pragma once

#include <filesystem>

#include "data/volumes/stored_picture.hpp"

namespace crossfade::data {

/// A TIFF of one page: grey (0 black or 0 white), palette, or red, green, blue; integers of 8, 16 or 32 bits or real
/// numbers of 32 or 64, grey without a sign and palettes of 1, 2 and 4 bits as well; in strips or tiles, samples pixel
/// by pixel or plane by plane, packed by what libtiff unpacks. An alpha sample is left out; resolution and colour
/// profile are not looked at. Throws std::runtime_error that names the file where it is missing, no TIFF, truncated,
/// damaged, of several pages, of other kinds, turned (orientation other than rows from the top, columns from the left),
/// or of more than kMostPixels pixels. Nothing goes to the terminal.
StoredPicture read_tiff(const std::filesystem::path& file);

}  // namespace crossfade::data
