// From a label map's own grid to the cube of 1 mm voxels in which images are made.
#pragma once

#include <cstdint>
#include <map>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// The one target of a subject: 256^3 voxels of 1 mm, axes nearest to RAS+, for a scan or label map on any grid. An
/// oblique grid keeps its rotation (and shear), so that nothing is interpolated that need not be. Voxel 127 of each
/// axis lies on voxel (size - 1) / 2, rounded down, of the volume in RAS+ order: voxels of 1 mm stay as they are. This
/// is the grid of nibabel.processing.conform (orientation "RAS"), up to the names of axes of grids turned by 45 degrees
/// or more, where `to_canonical` may choose otherwise. Image and labels of a subject go to the grid of the image.
/// Throws std::runtime_error for a singular affine.
Geometry conformed_grid(const Geometry& of_volume);

/// Per id the voxels of `ids` that lie outside `grid` (id 0 is not counted). Throws std::runtime_error for a singular
/// affine.
std::map<std::int32_t, std::uint64_t> cut_by(const Geometry& grid, const Volume<std::int32_t>& ids);

/// Whether every voxel of `volume` has its nearest one in `grid`. Throws std::runtime_error for a singular affine.
bool lies_within(const Geometry& volume, const Geometry& grid);

/// Label ids in the cube, and per id the voxels of the map that lie outside its 256 mm (id 0 is not counted).
struct Conformed {
  Volume<std::int32_t> ids;
  std::map<std::int32_t, std::uint64_t> cut;
};

/// `ids` on `cube` (that of its own grid, or of the image that it belongs to), each voxel with the id of the nearest
/// one of `ids`, 0 outside. Throws std::runtime_error for a singular affine.
Conformed conform(const Volume<std::int32_t>& ids, const Geometry& cube);

/// `labels` on any other grid, each voxel with the label of the nearest one, 0 outside: from a prediction's grid back
/// to the one that a subject came with. T: std::uint8_t or std::int32_t. Throws std::runtime_error for a singular
/// affine.
template <class T>
Volume<T> nearest_on(const Volume<T>& labels, const Geometry& target);

}  // namespace crossfade::data
