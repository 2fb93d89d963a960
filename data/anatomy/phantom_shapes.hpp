// Implicit shapes that the phantom is put together from. Lengths are in mm; distances are negative inside.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace crossfade::data {

struct Point {
  double x = 0, y = 0, z = 0;  // right, anterior, superior
};

inline Point operator+(Point a, Point b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Point operator-(Point a, Point b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Point operator*(double s, Point a) {
  return {s * a.x, s * a.y, s * a.z};
}
inline double dot(Point a, Point b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline double length(Point a) {
  return std::sqrt(dot(a, a));
}

/// A rotation in a plane.
struct Turn {
  explicit Turn(double angle = 0) : cos(std::cos(angle)), sin(std::sin(angle)) {}
  double cos, sin;
};

/// An ellipsoid, turned by `yaw` in the axial plane (radians, from anterior towards right) and then by `pitch` in the
/// sagittal plane (from anterior towards superior).
struct Ellipsoid {
  Ellipsoid(Point centre = {}, Point radii = {}, double yaw = 0, double pitch = 0)
      : centre(centre),
        radii(radii),
        yaw(yaw),
        pitch(pitch),
        turns{Turn(yaw), Turn(pitch)},
        narrowest(std::min({radii.x, radii.y, radii.z})),
        widest(std::max({radii.x, radii.y, radii.z})) {}

  Point centre;
  Point radii;
  double yaw, pitch;
  std::array<Turn, 2> turns;  // by yaw and pitch
  double narrowest, widest;   // of the radii

  /// First-order distance to the surface: exact there, of the right sign everywhere.
  double distance(Point p) const;
  /// distance(p) < 0, for less.
  bool contains(Point p) const;
  /// Whether distance(p) is certainly `mm` or more, and 0 or more, for less.
  bool is_beyond(Point p, double mm) const {
    // level >= length(p - centre) / widest, and where that is over 1, distance >= (level - 1) * narrowest.
    const Point from = p - centre;
    const double reach = (1 + std::max(0.0, mm) / narrowest) * widest + 1e-6;  // more than rounding
    return dot(from, from) > reach * reach;
  }

 private:
  /// From the centre along the own axes, in radii.
  Point scaled(Point p) const;
};

/// A tube along a polyline with a radius at each point, which changes linearly in between.
struct Tube {
  struct Node {
    Point at;
    double radius;
  };
  Tube(std::vector<Node> nodes = {});

  double distance(Point p) const;
  /// distance(p) < 0, for less.
  bool contains(Point p) const {
    return p.x > low.x && p.y > low.y && p.z > low.z && p.x < high.x && p.y < high.y && p.z < high.z && distance(p) < 0;
  }

  std::vector<Node> nodes;
  Point low, high;  // of a box around it
};

/// The smaller of two distances, rounded off over about `width`: shapes flow together. At most width / 4 less than
/// it, and itself where the other is `width` more.
inline double smooth_union(double a, double b, double width) {
  const double overlap = std::max(width - std::abs(a - b), 0.0) / width;
  return std::min(a, b) - overlap * overlap * width / 4;
}

/// Meandering sheets that run inward from a surface round `centre`, like sulci from the hull of a brain: the zeros of a
/// random wave of the direction from the centre (a sum of plane waves of equal wave number on the unit sphere), bent by
/// up to `bend` mm so that they do not run straight.
struct Folds {
  static constexpr std::size_t kWaves = 7;
  Point centre;
  std::array<Point, kWaves> waves;  // wave vectors, on the unit sphere
  std::array<double, kWaves> phases;
  double bend = 0;

  /// Approximate distance to the nearest sheet, >= 0.
  double distance(Point p) const;
};

}  // namespace crossfade::data
