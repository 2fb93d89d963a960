#include "data/volumes/conform.hpp"

#include <cmath>

#include "data/volumes/affine.hpp"

namespace crossfade::data {
namespace {

/// The nearest index, or -1 outside. Positions half-way between two voxels all go the same way, in spite of rounding.
int nearest(double position, int size) {
  const double index = std::floor(position + 0.5 + 1e-6);
  return index >= 0 && index < size ? static_cast<int>(index) : -1;
}

bool is_inside(const std::array<double, 3>& position, const std::array<int, 3>& size) {
  return nearest(position[0], size[0]) >= 0 && nearest(position[1], size[1]) >= 0 && nearest(position[2], size[2]) >= 0;
}

}  // namespace

Geometry conformed_grid(const Geometry& of_volume) {
  const Geometry canonical = reorient(of_volume, to_canonical(of_volume));
  Geometry cube = cube_around(canonical, 256, 256.0);
  for (std::size_t row = 0; row < 3; ++row) {
    cube.affine[row][3] = canonical.affine[row][3];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const int middle = (canonical.size[axis] - 1) / 2;
      cube.affine[row][3] += canonical.affine[row][axis] * middle - cube.affine[row][axis] * 127;
    }
  }
  return cube;
}

template <class T>
Volume<T> nearest_on(const Volume<T>& labels, const Geometry& target) {
  Volume<T> result{target, std::vector<T>(target.voxels(), T{0})};
  const auto& size = labels.geometry.size;
  const Affine to_source = index_map(target.affine, labels.geometry.affine);
  for (int k = 0; k < target.size[2]; ++k)
    for (int j = 0; j < target.size[1]; ++j)
      for (int i = 0; i < target.size[0]; ++i) {
        const auto p = apply(to_source, i, j, k);
        const int x = nearest(p[0], size[0]), y = nearest(p[1], size[1]), z = nearest(p[2], size[2]);
        if (x >= 0 && y >= 0 && z >= 0) result.at(i, j, k) = labels.at(x, y, z);
      }
  return result;
}

template Volume<std::uint8_t> nearest_on(const Volume<std::uint8_t>&, const Geometry&);
template Volume<std::int32_t> nearest_on(const Volume<std::int32_t>&, const Geometry&);

std::map<std::int32_t, std::uint64_t> cut_by(const Geometry& grid, const Volume<std::int32_t>& ids) {
  std::map<std::int32_t, std::uint64_t> cut;
  const auto& size = ids.geometry.size;
  const auto& limit = grid.size;
  const Affine to_grid = index_map(ids.geometry.affine, grid.affine);
  for (int k = 0; k < size[2]; ++k)
    for (int j = 0; j < size[1]; ++j)
      for (int i = 0; i < size[0]; ++i) {
        const std::int32_t id = ids.at(i, j, k);
        if (id == 0) continue;
        if (!is_inside(apply(to_grid, i, j, k), limit)) ++cut[id];
      }
  return cut;
}

bool lies_within(const Geometry& volume, const Geometry& grid) {
  const Affine to_grid = index_map(volume.affine, grid.affine);
  for (const int i : {0, volume.size[0] - 1})  // what is straight lies within if its corners do
    for (const int j : {0, volume.size[1] - 1})
      for (const int k : {0, volume.size[2] - 1})
        if (!is_inside(apply(to_grid, i, j, k), grid.size)) return false;
  return true;
}

Conformed conform(const Volume<std::int32_t>& ids, const Geometry& cube) {
  return {.ids = nearest_on(ids, cube), .cut = cut_by(cube, ids)};
}

}  // namespace crossfade::data
