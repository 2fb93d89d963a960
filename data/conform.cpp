#include "data/conform.hpp"

#include <cmath>
#include <stdexcept>

namespace crossfade::data {
namespace {

using Affine = std::array<std::array<double, 4>, 3>;
using Point = std::array<double, 3>;

Point apply(const Affine& a, const Point& p) {
  Point q{};
  for (std::size_t r = 0; r < 3; ++r) q[r] = a[r][0] * p[0] + a[r][1] * p[1] + a[r][2] * p[2] + a[r][3];
  return q;
}

Affine inverted(const Affine& a) {
  const auto cofactor = [&](std::size_t r, std::size_t c) {
    const std::size_t r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
    return a[r1][c1] * a[r2][c2] - a[r1][c2] * a[r2][c1];
  };
  const double determinant = a[0][0] * cofactor(0, 0) + a[0][1] * cofactor(0, 1) + a[0][2] * cofactor(0, 2);
  if (!(std::abs(determinant) > 1e-12)) throw std::runtime_error("the affine is singular");
  Affine inverse{};
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) inverse[r][c] = cofactor(c, r) / determinant;
    for (std::size_t c = 0; c < 3; ++c) inverse[r][3] -= inverse[r][c] * a[c][3];
  }
  return inverse;
}

/// The affine that does `second` after `first`.
Affine after(const Affine& second, const Affine& first) {
  Affine product{};
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 4; ++c)
      for (std::size_t k = 0; k < 3; ++k) product[r][c] += second[r][k] * first[k][c];
    product[r][3] += second[r][3];
  }
  return product;
}

/// The nearest index, or -1 outside. Positions half-way between two voxels all go the same way, in spite of rounding.
int nearest(double position, int size) {
  const double index = std::floor(position + 0.5 + 1e-6);
  return index >= 0 && index < size ? static_cast<int>(index) : -1;
}

/// `cube` moved by less than a voxel, so that its first voxel has its centre on that of a voxel of `source`.
Geometry aligned(Geometry cube, const Geometry& source) {
  const Affine to_source = inverted(source.affine);
  const Point corner = apply(to_source, {cube.affine[0][3], cube.affine[1][3], cube.affine[2][3]});
  const Point moved = apply(source.affine, {std::round(corner[0]), std::round(corner[1]), std::round(corner[2])});
  for (std::size_t axis = 0; axis < 3; ++axis) cube.affine[axis][3] = moved[axis];
  return cube;
}

}  // namespace

template <class T>
Volume<T> nearest_on(const Volume<T>& labels, const Geometry& target) {
  Volume<T> result{target, std::vector<T>(target.voxels(), T{0})};
  const auto& size = labels.geometry.size;
  const Affine to_source = after(inverted(labels.geometry.affine), target.affine);
  for (int k = 0; k < target.size[2]; ++k)
    for (int j = 0; j < target.size[1]; ++j)
      for (int i = 0; i < target.size[0]; ++i) {
        const Point p = apply(to_source, {double(i), double(j), double(k)});
        const int x = nearest(p[0], size[0]), y = nearest(p[1], size[1]), z = nearest(p[2], size[2]);
        if (x >= 0 && y >= 0 && z >= 0) result.at(i, j, k) = labels.at(x, y, z);
      }
  return result;
}

template Volume<std::uint8_t> nearest_on(const Volume<std::uint8_t>&, const Geometry&);
template Volume<std::int32_t> nearest_on(const Volume<std::int32_t>&, const Geometry&);

Conformed conform(const Volume<std::int32_t>& ids) {
  Conformed result;
  result.ids = nearest_on(ids, aligned(cube_around(ids.geometry, 256, 256.0), ids.geometry));
  const auto& size = ids.geometry.size;
  const auto& cube = result.ids.geometry.size;

  const Affine to_cube = after(inverted(result.ids.geometry.affine), ids.geometry.affine);
  for (int k = 0; k < size[2]; ++k)
    for (int j = 0; j < size[1]; ++j)
      for (int i = 0; i < size[0]; ++i) {
        const std::int32_t id = ids.at(i, j, k);
        if (id == 0) continue;
        const Point p = apply(to_cube, {double(i), double(j), double(k)});
        if (nearest(p[0], cube[0]) < 0 || nearest(p[1], cube[1]) < 0 || nearest(p[2], cube[2]) < 0) ++result.cut[id];
      }
  return result;
}

}  // namespace crossfade::data
