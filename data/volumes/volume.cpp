#include "data/volumes/volume.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "data/volumes/affine.hpp"

namespace crossfade::data {
namespace {

using Columns = std::array<std::array<double, 3>, 3>;  // [index axis][world axis]

Columns columns_of(const Geometry& geometry) {
  Columns columns{};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      columns[column][row] = geometry.affine[row][column];
    }
  }
  return columns;
}

}  // namespace

std::array<double, 3> Geometry::spacing() const {
  std::array<double, 3> lengths{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    lengths[axis] = std::hypot(affine[0][axis], affine[1][axis], affine[2][axis]);
  }
  return lengths;
}

bool same_spacing(const Geometry& a, const Geometry& b) {
  const std::array<double, 3> in_a = a.spacing(), in_b = b.spacing();
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (std::abs(in_a[axis] - in_b[axis]) > 1e-4 * in_a[axis]) return false;
  return true;
}

double corners_apart_mm(const Geometry& a, const Geometry& b) {
  double largest = 0;
  for (int corner = 0; corner < 8; ++corner) {
    std::array<double, 3> apart{};
    for (std::size_t row = 0; row < 3; ++row) {
      apart[row] = a.affine[row][3] - b.affine[row][3];
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const double index = (corner >> axis & 1) == 0 ? -0.5 : a.size[axis] - 0.5;
        apart[row] += (a.affine[row][axis] - b.affine[row][axis]) * index;
      }
    }
    largest = std::max(largest, std::hypot(apart[0], apart[1], apart[2]));
  }
  return largest;
}

Reorientation to_canonical(const Geometry& geometry) {
  require_invertible(geometry.affine);
  Columns cosines = columns_of(geometry);
  const std::array<double, 3> spacing = geometry.spacing();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (double& cosine : cosines[axis]) {
      cosine /= spacing[axis];
    }
  }
  Reorientation result;
  std::array<bool, 3> taken_source{}, taken_world{};
  for (int step = 0; step < 3; ++step) {
    std::size_t best_source = 0, best_world = 0;
    double best = -1;
    for (std::size_t world = 0; world < 3; ++world) {
      for (std::size_t source = 0; source < 3; ++source) {
        const double size = std::abs(cosines[source][world]);
        if (!taken_source[source] && !taken_world[world] && size > best) {
          best = size;
          best_source = source;
          best_world = world;
        }
      }
    }
    taken_source[best_source] = taken_world[best_world] = true;
    result.source[best_world] = static_cast<int>(best_source);
    result.flip[best_world] = cosines[best_source][best_world] < 0;
  }
  return result;
}

Geometry reorient(const Geometry& geometry, const Reorientation& reorientation) {
  Geometry result;
  for (std::size_t row = 0; row < 3; ++row) {
    result.affine[row][3] = geometry.affine[row][3];
  }
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto source = static_cast<std::size_t>(reorientation.source[axis]);
    result.size[axis] = geometry.size[source];
    for (std::size_t row = 0; row < 3; ++row) {
      const double step = geometry.affine[row][source];
      result.affine[row][axis] = reorientation.flip[axis] ? -step : step;
      if (reorientation.flip[axis]) {
        result.affine[row][3] += step * (geometry.size[source] - 1);
      }
    }
  }
  return result;
}

Reorientation inverse(const Reorientation& reorientation) {
  Reorientation result;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto source = static_cast<std::size_t>(reorientation.source[axis]);
    result.source[source] = static_cast<int>(axis);
    result.flip[source] = reorientation.flip[axis];
  }
  return result;
}

template <class T>
Volume<T> reorient(const Volume<T>& volume, const Reorientation& reorientation) {
  Volume<T> result{reorient(volume.geometry, reorientation), std::vector<T>(volume.voxels.size())};
  const std::array<std::ptrdiff_t, 3> source_strides{
      1, volume.geometry.size[0], static_cast<std::ptrdiff_t>(volume.geometry.size[0]) * volume.geometry.size[1]};
  std::array<std::ptrdiff_t, 3> strides{};
  std::ptrdiff_t first = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::ptrdiff_t stride = source_strides[static_cast<std::size_t>(reorientation.source[axis])];
    strides[axis] = reorientation.flip[axis] ? -stride : stride;
    first += reorientation.flip[axis] ? stride * (result.geometry.size[axis] - 1) : 0;
  }
  std::size_t to = 0;
  for (int k = 0; k < result.geometry.size[2]; ++k) {
    for (int j = 0; j < result.geometry.size[1]; ++j) {
      std::ptrdiff_t from = first + k * strides[2] + j * strides[1];
      for (int i = 0; i < result.geometry.size[0]; ++i, from += strides[0]) {
        result.voxels[to++] = volume.voxels[static_cast<std::size_t>(from)];
      }
    }
  }
  return result;
}

template Volume<std::uint8_t> reorient(const Volume<std::uint8_t>&, const Reorientation&);
template Volume<std::int32_t> reorient(const Volume<std::int32_t>&, const Reorientation&);
template Volume<float> reorient(const Volume<float>&, const Reorientation&);

Geometry cube_around(const Geometry& around, int size, double field_of_view) {
  const std::array<double, 3> spacing = around.spacing();
  const double pixel = field_of_view / size;
  Geometry cube;
  cube.size = {size, size, size};
  for (std::size_t row = 0; row < 3; ++row) {
    double origin = around.affine[row][3];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double step = around.affine[row][axis] / spacing[axis] * pixel;
      cube.affine[row][axis] = step;
      origin += around.affine[row][axis] * (around.size[axis] - 1) / 2 - step * (size - 1) / 2;
    }
    cube.affine[row][3] = origin;
  }
  return cube;
}

}  // namespace crossfade::data
