// Where a volume lies, without its voxels.
#pragma once

#include <filesystem>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// The grid that read_channels() gives the file's channels; of NIfTI and MGH from the header alone, so that
/// what is wrong behind it shows only when voxels are read. Throws as that does.
Geometry read_geometry(const std::filesystem::path& file);

}  // namespace crossfade::data
