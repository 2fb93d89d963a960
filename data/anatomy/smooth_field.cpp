#include "data/anatomy/smooth_field.hpp"

#include <cmath>
#include <cstddef>

namespace crossfade::data {
namespace {

std::size_t at(int n) {
  return static_cast<std::size_t>(n);
}

std::array<float, 4> cubic_b_spline(double t) {
  const double u = 1 - t;
  return {static_cast<float>(u * u * u / 6), static_cast<float>((3 * t * t * t - 6 * t * t + 4) / 6),
          static_cast<float>((3 * u * u * u - 6 * u * u + 4) / 6), static_cast<float>(t * t * t / 6)};
}

/// out[n] = sum over the four knots of w * in[knot][n], for runs of `length`.
void blend(const std::vector<float>& in, int first, const std::array<float, 4>& weights, std::vector<float>& out) {
  const std::size_t length = out.size();
  const float* a = in.data() + at(first) * length;
  const float *b = a + length, *c = b + length, *d = c + length;
  for (std::size_t n = 0; n < length; ++n) {
    out[n] = weights[0] * a[n] + weights[1] * b[n] + weights[2] * c[n] + weights[3] * d[n];
  }
}

}  // namespace

SmoothField::SmoothField(const Geometry& grid, double knot_mm, double sd, Random& random) {
  const std::array<double, 3> spacing = grid.spacing();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double step = spacing[axis] / knot_mm;
    for (int voxel = 0; voxel < grid.size[axis]; ++voxel) {
      const double position = voxel * step, base = std::floor(position);
      weights_[axis].push_back({static_cast<int>(base), cubic_b_spline(position - base)});
    }
    knots_[axis] = weights_[axis].back().first + 4;
  }
  // A sum of independent normals under the B-spline has, on average over a knot interval, 151/315 of their variance
  // along each axis (the B-spline's autocorrelation at 0).
  const double amplitude = sd / std::pow(151.0 / 315.0, 1.5);
  coefficients_.resize(at(knots_[0]) * at(knots_[1]) * at(knots_[2]));
  for (float& coefficient : coefficients_) {
    coefficient = static_cast<float>(amplitude * random.normal());
  }
  slice_.resize(at(knots_[0]) * at(knots_[1]));
  line_.resize(at(knots_[0]));
  row_.resize(at(grid.size[0]));
}

const std::vector<float>& SmoothField::row(int j, int k) {
  if (k != slice_k_) {
    blend(coefficients_, weights_[2][at(k)].first, weights_[2][at(k)].of, slice_);
    slice_k_ = k;
  }
  blend(slice_, weights_[1][at(j)].first, weights_[1][at(j)].of, line_);
  for (std::size_t i = 0; i < row_.size(); ++i) {
    const Weights& w = weights_[0][i];
    const float* knot = line_.data() + w.first;
    row_[i] = w.of[0] * knot[0] + w.of[1] * knot[1] + w.of[2] * knot[2] + w.of[3] * knot[3];
  }
  return row_;
}

void SmoothField::scale(double factor) {
  for (float& coefficient : coefficients_) {
    coefficient *= static_cast<float>(factor);
  }
  slice_k_ = -1;
}

}  // namespace crossfade::data
