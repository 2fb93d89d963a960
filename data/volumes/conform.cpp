#include "data/volumes/conform.hpp"

#include <cmath>
#include <optional>
#include <vector>

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

/// For parallel axes: how far into the source each index of the target goes, along one of the target's axes; -1:
/// beyond.
using Steps = std::array<std::vector<std::ptrdiff_t>, 3>;

/// Nothing where the axes of the two grids are not parallel.
std::optional<Steps> parallel_steps(const Affine& to_source, const Geometry& source, const Geometry& target) {
  const std::array<std::ptrdiff_t, 3> strides{1, source.size[0],
                                              static_cast<std::ptrdiff_t>(source.size[0]) * source.size[1]};
  Steps steps;
  for (std::size_t row = 0; row < 3; ++row) {
    const auto is_set = [&](std::size_t axis) { return to_source[row][axis] != 0; };
    const std::size_t axis = is_set(0) ? 0 : is_set(1) ? 1 : 2;
    if (is_set(0) + is_set(1) + is_set(2) != 1 || !steps[axis].empty()) return std::nullopt;
    for (int t = 0; t < target.size[axis]; ++t) {
      std::array<double, 3> index{};
      index[axis] = t;
      const int found = nearest(apply(to_source, index[0], index[1], index[2])[row], source.size[row]);
      steps[axis].push_back(found < 0 ? -1 : found * strides[row]);
    }
  }
  return steps;
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
  if (const auto steps = parallel_steps(to_source, labels.geometry, target)) {
    std::size_t to = 0;
    for (const std::ptrdiff_t z : (*steps)[2])
      for (const std::ptrdiff_t y : (*steps)[1])
        for (const std::ptrdiff_t x : (*steps)[0]) {
          if (x >= 0 && y >= 0 && z >= 0) result.voxels[to] = labels.voxels[static_cast<std::size_t>(x + y + z)];
          ++to;
        }
    return result;
  }
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
  if (lies_within(ids.geometry, grid)) return cut;
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
