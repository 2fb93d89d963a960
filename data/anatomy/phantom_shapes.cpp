#include "data/anatomy/phantom_shapes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace crossfade::data {

Point Ellipsoid::scaled(Point p) const {
  Point q = p - centre;
  if (yaw != 0) {
    const auto [c, s] = turns[0];
    q = {c * q.x - s * q.y, s * q.x + c * q.y, q.z};
  }
  if (pitch != 0) {
    const auto [c, s] = turns[1];
    q = {q.x, c * q.y + s * q.z, c * q.z - s * q.y};
  }
  return {q.x / radii.x, q.y / radii.y, q.z / radii.z};
}

double Ellipsoid::distance(Point p) const {
  const Point at = scaled(p);
  const Point gradient{at.x / radii.x, at.y / radii.y, at.z / radii.z};
  const double level = length(at), slope = length(gradient);
  if (slope < 1e-9) {
    return -narrowest;
  }
  return level * (level - 1) / slope;
}

bool Ellipsoid::contains(Point p) const {
  const Point at = scaled(p);
  return dot(at, at) < 1;  // as the level, its root, is then; rounding has the same side
}

Tube::Tube(std::vector<Node> nodes) : nodes(std::move(nodes)) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  low = {kFar, kFar, kFar};
  high = {-kFar, -kFar, -kFar};
  double reach = 0;
  for (const Node& node : this->nodes) reach = std::max(reach, node.radius + 1e-6);  // more than rounding
  for (const auto& [at, radius] : this->nodes) {
    low = {std::min(low.x, at.x - reach), std::min(low.y, at.y - reach), std::min(low.z, at.z - reach)};
    high = {std::max(high.x, at.x + reach), std::max(high.y, at.y + reach), std::max(high.z, at.z + reach)};
  }
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
