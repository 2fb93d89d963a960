#include "data/anatomy/phantom_anatomy.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace crossfade::data {
namespace {

/// The draws that make one subject differ from another.
class Draw {
 public:
  explicit Draw(Random& random) : random_(random) {}

  double factor(double sd) { return std::exp(sd * bounded()); }
  double offset(double sd) { return sd * bounded(); }
  Point jitter(double sd) {
    const double x = offset(sd), y = offset(sd), z = offset(sd);
    return {x, y, z};
  }
  Point factors(double sd) {
    const double x = factor(sd), y = factor(sd), z = factor(sd);
    return {x, y, z};
  }
  Folds folds(Point centre, double wave_number, double bend) {
    Folds folds{centre, {}, {}, bend};
    for (std::size_t n = 0; n < Folds::kWaves; ++n) {
      const double x = random_.normal(), y = random_.normal(), z = random_.normal();
      const Point direction{x, y, z};
      folds.waves[n] = (wave_number / std::max(length(direction), 1e-6)) * direction;
      folds.phases[n] = random_.uniform(0, 2 * std::numbers::pi);
    }
    return folds;
  }

 private:
  /// Normal, but no anatomy is farther out than 2.2 standard deviations: shapes that must touch or nest still do.
  double bounded() { return std::clamp(random_.normal(), -2.2, 2.2); }
  Random& random_;
};

Point mirrored(Point p, int side) {
  return {side == 0 ? p.x : -p.x, p.y, p.z};
}
Point times(Point a, Point b) {
  return {a.x * b.x, a.y * b.y, a.z * b.z};
}

/// A change of place and size that the shapes of one structure go through together.
struct Change {
  Point shift;
  Point factors;
};

Ellipsoid changed(const Ellipsoid& shape, const Change& change, int side) {
  return {mirrored(shape.centre + change.shift, side), times(shape.radii, change.factors),
          side == 0 ? shape.yaw : -shape.yaw, shape.pitch};
}

Tube changed(const Tube& shape, const Change& change, double thickness, int side) {
  std::vector<Tube::Node> nodes;
  for (const Tube::Node& node : shape.nodes) {
    nodes.push_back({mirrored(node.at + change.shift, side), node.radius * thickness});
  }
  return nodes;
}

/// Fills in the bounds of a structure.
DeepStructure bounded(DeepStructure structure) {
  std::vector<std::pair<Point, double>> balls;
  for (const Ellipsoid& shape : structure.ellipsoids) {
    balls.emplace_back(shape.centre, std::max({shape.radii.x, shape.radii.y, shape.radii.z}));
  }
  for (const Tube& tube : structure.tubes) {
    for (const Tube::Node& node : tube.nodes) {
      balls.emplace_back(node.at, node.radius);
    }
  }
  for (const auto& [centre, radius] : balls) {
    structure.centre = structure.centre + (1.0 / static_cast<double>(balls.size())) * centre;
  }
  for (const auto& [centre, radius] : balls) {
    structure.reach = std::max(structure.reach, length(centre - structure.centre) + radius);
  }
  return structure;
}

/// A structure of the left hemisphere, or of the midline where `right` is 0; sizes and places are of an adult.
struct Template {
  std::int32_t left, right;
  std::vector<Ellipsoid> ellipsoids;
  std::vector<Tube> tubes;
  double wander;  // mm, standard deviation of its place
  double growth;  // standard deviation of the logarithm of its size
};

const std::vector<Template>& templates() {
  static const std::vector<Template> list = {
      {14, 0, {{{0, -10, 6}, {2.8, 15, 10}}}, {}, 0.4, 0.12},
      {15, 0, {{{0, -37, -26}, {9, 5.5, 11}}}, {}, 0.5, 0.12},
      // Lateral ventricle: frontal horn, body, atrium, occipital horn; then the inferior horn.
      {4,
       43,
       {},
       {{{{{-7, 28, 12}, 3.5},
          {{-9, 16, 18}, 5.5},
          {{-10, 2, 24}, 5},
          {{-12, -16, 27}, 5},
          {{-19, -32, 23}, 6},
          {{-27, -42, 12}, 6.5},
          {{-26, -56, 8}, 4},
          {{-23, -66, 8}, 2.5}}}},
       0.8,
       0.22},
      {5,
       44,
       {},
       {{{{{-28, -42, 8}, 3.5}, {{-35, -32, -4}, 2.4}, {{-34, -18, -12}, 2.4}, {{-31, -6, -14}, 2.2}}}},
       0.6,
       0.12},
      {13, 52, {{{-20, -3, 6}, {4.6, 9.2, 7}, -0.35, 0.1}}, {}, 0.4, 0.06},
      {12, 51, {{{-25.5, 1, 8}, {7, 17, 12}, -0.22, 0.1}}, {}, 0.6, 0.06},
      {11,
       50,
       {{{-14.5, 17, 13}, {6.3, 9.5, 9}, -0.1, 0.2}},
       {{{{{-15, 14, 18}, 5.6}, {{-18.5, 0, 24}, 4.3}, {{-21, -14, 26}, 3.7}, {{-27.5, -28, 22}, 3}}}},
       0.5,
       0.06},
      {26, 58, {{{-10, 10, 1}, {4.5, 6, 4.5}}}, {}, 0.4, 0.06},
      {10, 49, {{{-11.5, -18, 13}, {10, 15.5, 10.5}, 0.45, 0.1}}, {}, 0.5, 0.05},
      {18, 54, {{{-23, 0, -14}, {7.6, 7.6, 6.8}}}, {}, 0.5, 0.06},
      {17,
       53,
       {{{-25, -9, -15}, {6, 7, 5}}},
       {{{{{-25, -8, -15}, 5.4}, {{-28.5, -20, -12}, 5.2}, {{-28, -31, -5}, 4.6}, {{-21, -38, 3}, 3.4}}}},
       0.5,
       0.06},
      {28, 60, {{{-10.5, -11, -1}, {10, 13, 7.5}, 0.3, 0}}, {}, 0.5, 0.06},
      {85, 0, {{{0, 7, -9}, {8, 2.6, 2.6}}}, {}, 0.4, 0.05},
      {16,
       0,
       {{{0, -20, -22}, {16.5, 13.5, 14}}},
       {{{{{0, -22, 2}, 11}, {{0, -22, -14}, 13}, {{0, -27, -36}, 10}, {{0, -34, -54}, 7.5}, {{0, -39, -64}, 6}}}},
       0.5,
       0.04},
  };
  return list;
}

void draw_deep(Draw& draw, Anatomy& anatomy) {
  // Ventricles differ most between people (by a factor of ten in volume); all their parts widen together.
  const double ventricle = 1.3 * draw.factor(0.18);
  for (const Template& t : templates()) {
    const bool is_ventricle = t.left == 4 || t.left == 5;
    const Change common{draw.jitter(t.wander), draw.factors(t.growth)};
    const double common_thickness = is_ventricle ? ventricle : draw.factor(t.growth);
    for (int side = 0; side < (t.right != 0 ? 2 : 1); ++side) {
      // The sides of one brain are more alike than two brains.
      Change change{common.shift + draw.jitter(t.wander / 2), times(common.factors, draw.factors(t.growth / 3))};
      if (t.right == 0) {
        change.shift.x = 0;
      }
      const double thickness = common_thickness * draw.factor(t.growth / 3);
      DeepStructure structure;
      structure.id = side == 0 ? t.left : t.right;
      for (const Ellipsoid& shape : t.ellipsoids) {
        structure.ellipsoids.push_back(changed(shape, change, side));
      }
      for (const Tube& shape : t.tubes) {
        structure.tubes.push_back(changed(shape, change, thickness, side));
      }
      anatomy.deep.push_back(bounded(std::move(structure)));
    }
  }
}

}  // namespace

bool DeepStructure::holds(Point p) const {
  const auto inside = [&](const auto& shape) { return shape.contains(p); };
  return std::any_of(ellipsoids.begin(), ellipsoids.end(), inside) || std::any_of(tubes.begin(), tubes.end(), inside);
}

Point Anatomy::to_template(Point v) const {
  Point p = v - shift;
  p = {yaw.cos * p.x - yaw.sin * p.y, yaw.sin * p.x + yaw.cos * p.y, p.z};
  p = {p.x, pitch.cos * p.y - pitch.sin * p.z, pitch.sin * p.y + pitch.cos * p.z};
  p = {roll.cos * p.x - roll.sin * p.z, p.y, roll.sin * p.x + roll.cos * p.z};
  return times(scale, p);
}

Anatomy draw_anatomy(Random& random) {
  Draw draw(random);
  Anatomy a;
  draw_deep(draw, a);

  a.cerebrum = {{0, -17, 17}, times({67, 84, 57}, draw.factors(0.012))};
  const Change temporal{draw.jitter(1), draw.factors(0.03)};
  a.cerebellum = {draw.jitter(0.8) + Point{0, -53, -36}, times({52, 31, 25}, draw.factors(0.03))};
  a.cerebellum.centre.x = 0;
  for (int side = 0; side < 2; ++side) {
    const auto s = static_cast<std::size_t>(side);
    a.temporal[s] = changed({{-42, -8, -12}, {23, 39, 23}}, temporal, side);
    a.sulci[s] = draw.folds(mirrored({-24, -17, 12}, side), 13.5, 3.5);
    a.folia[s] = draw.folds(mirrored({-14, -42, -30}, side), 13, 1.5);
    a.eyes[s] = {mirrored({-32, 50, -25}, side), {12, 12, 12}};
    a.carotids[s] = {{{mirrored({-30, -4, -132}, side), 3.5}, {mirrored({-26, -8, -45}, side), 2.8}}};
  }
  a.sulcus_depth = 18 * draw.factor(0.06);
  a.cortex = 2.9 * draw.factor(0.05);
  a.cerebellar_core = 15.5 * draw.factor(0.04);
  a.sylvian_height = draw.offset(1);

  a.subarachnoid = 2.5 * draw.factor(0.15);
  a.skull = 6.5 * draw.factor(0.12);
  a.scalp = 4 * draw.factor(0.2);
  a.skin = 3 * draw.factor(0.1);
  a.fossa = {{0, -50, -33}, {55, 36, 30}};
  a.face = {{0, 32, -62}, times({60, 56, 62}, draw.factors(0.03))};
  a.nose = {{0, 84, -50}, times({14, 16, 20}, draw.factors(0.06))};
  a.nasal_cavity = {{0, 48, -44}, times({12, 28, 15}, draw.factors(0.06))};
  a.neck = {{0, -30, 0}, times({57, 60, 1}, draw.factors(0.05))};
  const Point atlas{0, -44, -66}, below{0, -48, -140};
  a.spine = {{{atlas, 22}, {below, 21}}};
  a.canal = {{{{0, -40, -62}, 10}, {below, 8.5}}};
  a.cord = {{{{0, -39, -62}, 5.5}, {below, 5}}};

  a.shift = draw.jitter(3) + Point{0, -2, 6};
  const double size = draw.factor(0.02);
  a.scale = size * draw.factors(0.025);
  a.yaw = Turn(draw.offset(0.03));
  a.pitch = Turn(draw.offset(0.06));
  a.roll = Turn(draw.offset(0.03));
  return a;
}

}  // namespace crossfade::data
