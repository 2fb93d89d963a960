#include "data/anatomy/phantom_shapes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace crossfade::data {

double length(Point a) {
  return std::sqrt(dot(a, a));
}

double Ellipsoid::distance(Point p) const {
  Point q = p - centre;
  if (yaw != 0) {
    const double c = std::cos(yaw), s = std::sin(yaw);
    q = {c * q.x - s * q.y, s * q.x + c * q.y, q.z};
  }
  if (pitch != 0) {
    const double c = std::cos(pitch), s = std::sin(pitch);
    q = {q.x, c * q.y + s * q.z, c * q.z - s * q.y};
  }
  const Point scaled{q.x / radii.x, q.y / radii.y, q.z / radii.z};
  const Point gradient{scaled.x / radii.x, scaled.y / radii.y, scaled.z / radii.z};
  const double level = length(scaled), slope = length(gradient);
  if (slope < 1e-9) {
    return -std::min({radii.x, radii.y, radii.z});
  }
  return level * (level - 1) / slope;
}

double Tube::distance(Point p) const {
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t n = 0; n + 1 < nodes.size(); ++n) {
    const Node &a = nodes[n], &b = nodes[n + 1];
    const Point along = b.at - a.at, from = p - a.at;
    const double t = std::clamp(dot(from, along) / dot(along, along), 0.0, 1.0);
    best = std::min(best, length(from - t * along) - (a.radius + t * (b.radius - a.radius)));
  }
  return best;
}

double smooth_union(double a, double b, double width) {
  const double overlap = std::max(width - std::abs(a - b), 0.0) / width;
  return std::min(a, b) - overlap * overlap * width / 4;
}

double Folds::distance(Point p) const {
  constexpr double kBendPerMm = 0.17;  // a wave of 37 mm
  const Point bent{p.x + bend * std::sin(kBendPerMm * p.y + phases[0]),
                   p.y + bend * std::sin(kBendPerMm * p.z + phases[1]),
                   p.z + bend * std::sin(kBendPerMm * p.x + phases[2])};
  const Point from = bent - centre;
  const double radius = std::max(length(from), 1.0);
  const Point direction = (1 / radius) * from;
  double value = 0;
  Point gradient;
  for (std::size_t n = 0; n < kWaves; ++n) {
    const double phase = dot(waves[n], direction) + phases[n];
    value += std::sin(phase);
    gradient = gradient + std::cos(phase) * waves[n];
  }
  gradient = gradient - dot(gradient, direction) * direction;
  // Where the wave is flat the quotient would run away: the typical slope is a lower bound for its denominator.
  const double typical = 0.25 * length(waves[0]) * std::sqrt(static_cast<double>(kWaves) / 2);
  return std::abs(value) * radius / std::max(length(gradient), typical);
}

}  // namespace crossfade::data
