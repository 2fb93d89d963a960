#include "data/anatomy/smooth_field.hpp"

#include <algorithm>
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
void blend(const std::vector<float>& in, int first, const std::array<float, 4>& weights, std::vector<float>& result) {
  const std::size_t length = result.size();
  float* __restrict out = result.data();
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
  for (int i = 0; i < grid.size[0]; ++i) {
    const int first = weights_[0][at(i)].first;
    if (runs_.empty() || runs_.back().first != first) runs_.push_back({i, i, first});
    runs_.back().end = i + 1;
    for (std::size_t knot = 0; knot < 4; ++knot) weights_along_[knot].push_back(weights_[0][at(i)].of[knot]);
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
  // Runs instead of voxels: the knots' values stay in registers, and voxels side by side are one vector.
  float* __restrict to = row_.data();
  const float *w0 = weights_along_[0].data(), *w1 = weights_along_[1].data(), *w2 = weights_along_[2].data(),
              *w3 = weights_along_[3].data();
  for (const Run& run : runs_) {
    const float* knot = line_.data() + run.first;
    const float a = knot[0], b = knot[1], c = knot[2], d = knot[3];
    for (int i = run.begin; i < run.end; ++i) to[i] = w0[i] * a + w1[i] * b + w2[i] * c + w3[i] * d;
  }
  return row_;
}

void SmoothField::scale(double factor) {
  for (float& coefficient : coefficients_) {
    coefficient *= static_cast<float>(factor);
  }
  slice_k_ = -1;
}

float SmoothField::bound() const {
  float largest = 0;  // each value is a mean of coefficients: a B-spline's weights are none below 0 and sum to 1
  for (const float coefficient : coefficients_) largest = std::max(largest, std::abs(coefficient));
  return largest;
}

}  // namespace crossfade::data
