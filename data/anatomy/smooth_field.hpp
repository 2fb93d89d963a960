// Smooth random fields on a grid: normal coefficients on coarse knots, interpolated by cubic B-splines.
#pragma once

#include <array>
#include <vector>

#include "data/random.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// A scalar field with mean 0 and standard deviation `sd` (constant within 5 %; the draw, not the volume, is what it
/// refers to), smooth over about `knot_mm`. It is evaluated a row of voxels at a time, slices in any order; a change of
/// slice costs a little. Not thread-safe.
class SmoothField {
 public:
  SmoothField(const Geometry& grid, double knot_mm, double sd, Random& random);

  /// The field along voxels (0 ... size[0] - 1, j, k); valid until the next call.
  const std::vector<float>& row(int j, int k);

  /// Multiplies the field.
  void scale(double factor);

  /// No value is larger in magnitude, but for rounding.
  float bound() const;

 private:
  struct Weights {  // of the four knots that a voxel sees along an axis
    int first;
    std::array<float, 4> of;
  };
  struct Run {  // voxels of a row that see the same four knots
    int begin, end, first;
  };
  std::array<std::vector<Weights>, 3> weights_;
  std::vector<Run> runs_;
  std::array<std::vector<float>, 4> weights_along_;  // those of weights_[0], by knot
  std::array<int, 3> knots_{};
  std::vector<float> coefficients_;  // [knots k, j, i]
  std::vector<float> slice_;         // [knots j, i], for slice_k_
  int slice_k_ = -1;
  std::vector<float> line_, row_;
};

}  // namespace crossfade::data
