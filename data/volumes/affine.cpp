#include "data/volumes/affine.hpp"

#include <cmath>
#include <stdexcept>

namespace crossfade::data {

Affine index_map(const Affine& from, const Affine& to) {
  constexpr double kSingular = 1e-6;  // of the box that the axes would make at right angles
  const std::array<double, 3> length = Geometry{{}, to}.spacing();
  const double box = length[0] * length[1] * length[2];
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
    if (!(std::abs(determinant) > kSingular * box)) throw std::runtime_error("the affine is singular");
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t column = 0; column < 4; ++column)
        map[axis][column] += normal[row] * from[row][column] / determinant;
      map[axis][3] -= normal[row] * to[row][3] / determinant;
    }
  }
  return map;
}

}  // namespace crossfade::data
