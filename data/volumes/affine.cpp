#include "data/volumes/affine.hpp"

#include <cmath>
#include <stdexcept>

namespace crossfade::data {

void require_invertible(const Affine& a) {
  constexpr double kSingular = 1e-6;  // of the box that the axes would make at right angles
  const std::array<double, 3> length = Geometry{{}, a}.spacing();
  const double determinant = a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
                             a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
                             a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]);
  if (!(std::abs(determinant) > kSingular * length[0] * length[1] * length[2]))  // also refuses NaN
    throw std::runtime_error("the affine is singular: its three axes must span space");
}

Affine index_map(const Affine& from, const Affine& to) {
  require_invertible(to);
  Affine map{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    // Along the cross product of the two other axes, a step along this one is the determinant: Cramer's rule.
    const std::size_t b = (axis + 1) % 3, c = (axis + 2) % 3;
    std::array<double, 3> normal{};
    double determinant = 0;
    for (std::size_t row = 0; row < 3; ++row) {
      const std::size_t r1 = (row + 1) % 3, r2 = (row + 2) % 3;
      normal[row] = to[r1][b] * to[r2][c] - to[r2][b] * to[r1][c];
      determinant += normal[row] * to[row][axis];
    }
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t column = 0; column < 4; ++column)
        map[axis][column] += normal[row] * from[row][column] / determinant;
      map[axis][3] -= normal[row] * to[row][3] / determinant;
    }
  }
  return map;
}

}  // namespace crossfade::data
