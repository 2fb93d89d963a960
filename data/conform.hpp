// From a label map's own grid to the cube of 1 mm voxels in which images are made.
#pragma once

#include <cstdint>
#include <map>

#include "data/volume.hpp"

namespace crossfade::data {

/// Label ids in the cube, and per id the voxels of the map that lie outside its 256 mm (id 0 is not counted).
struct Conformed {
  Volume<std::int32_t> ids;
  std::map<std::int32_t, std::uint64_t> cut;
};

/// `ids` (a canonical grid) in a cube of 256^3 voxels of 1 mm around its centre, each with the id of the nearest voxel,
/// 0 outside. The cube is shifted by up to half a voxel, so that voxels of a map that already has 1 mm stay as they
/// are. Throws std::runtime_error for a singular affine.
Conformed conform(const Volume<std::int32_t>& ids);

/// `labels` on any other grid, each voxel with the label of the nearest one, 0 outside: from a prediction's grid back
/// to the one that a subject came with. T: std::uint8_t or std::int32_t. Throws std::runtime_error for a singular
/// affine.
template <class T>
Volume<T> nearest_on(const Volume<T>& labels, const Geometry& target);

}  // namespace crossfade::data
