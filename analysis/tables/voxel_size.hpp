// The grids that a study's volumes are scored on. Private to analysis/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/results/database.hpp"

namespace crossfade::analysis {

/// Sides of the voxels in mm, ascending, as far as known.
std::vector<double> voxel_sizes(SQLite::Database& db, std::int64_t study);

/// " on a grid of 2 and 2.67 mm voxels", or nothing.
std::string grid_words(const std::vector<double>& voxel_mm);

}  // namespace crossfade::analysis
