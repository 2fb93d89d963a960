// Where a volume lies, without its voxels.
#pragma once

#include <filesystem>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// The grid that read_channels() gives the file's channels; of NIfTI from the header alone. Throws as that does.
Geometry read_geometry(const std::filesystem::path& file);

}  // namespace crossfade::data
