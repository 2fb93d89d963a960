#include "schedules/curve.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace crossfade::schedules {
namespace {

constexpr double kExponentialRate = 5;    // e^-5: the first fifth of the way covers 63 % of the change
constexpr double kSigmoidSteepness = 10;  // logistic slope at the middle: 2.5 times that of the straight line

double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

// Each ease maps [0, 1] onto itself and gives exactly 0 at 0; the end is a point of its own.
double ease_hold(double) {
  return 0;
}
double ease_line(double t) {
  return t;
}
double ease_cosine(double t) {
  return (1 - std::cos(std::numbers::pi * t)) / 2;
}
double ease_exponential(double t) {
  return std::expm1(-kExponentialRate * t) / std::expm1(-kExponentialRate);
}
double ease_sigmoid(double t) {
  const double low = logistic(-kSigmoidSteepness / 2);
  return (logistic(kSigmoidSteepness * (t - 0.5)) - low) / (1 - 2 * low);
}

struct Shape {
  const char* name;
  const char* help;
  double (*ease)(double);
};

// To add a shape: a function above and a line here.
constexpr std::array kShapes = {
    Shape{"constant", "one value for the whole stage", ease_hold},
    Shape{"step", "holds a point's value until the next point", ease_hold},
    Shape{"linear", "straight lines between points", ease_line},
    Shape{"piecewise", "another name for linear", ease_line},
    Shape{"cosine", "half a cosine between points: level at both", ease_cosine},
    Shape{"exponential", "(1 - e^-5t) / (1 - e^-5) of the way: quick at first, then levelling off", ease_exponential},
    Shape{"sigmoid", "logistic of steepness 10, scaled to meet both points: most of the change in the middle third",
          ease_sigmoid},
};

const Shape* find_shape(const std::string& name) {
  const auto* found = std::find_if(kShapes.begin(), kShapes.end(), [&](const Shape& s) { return s.name == name; });
  return found == kShapes.end() ? nullptr : &*found;
}

/// Training ends before progress is 1, so that a step there never comes.
std::size_t points_in_use(const Curve& curve) {
  const std::size_t all = curve.points.size();
  return curve.shape == "step" && all > 1 && curve.points.back().first == 1 ? all - 1 : all;
}

[[noreturn]] void refuse(const std::string& rule) {
  throw std::invalid_argument("curve: " + rule);
}

}  // namespace

Curve constant(double value) {
  return {"constant", {{0.0, value}}};
}

const std::vector<std::pair<std::string, std::string>>& shape_names() {
  static const auto names = [] {
    std::vector<std::pair<std::string, std::string>> all;
    for (const Shape& s : kShapes) all.emplace_back(s.name, s.help);
    return all;
  }();
  return names;
}

void check(const Curve& curve) {
  if (find_shape(curve.shape) == nullptr) {
    std::string known;
    for (const Shape& s : kShapes) known += (known.empty() ? "" : ", ") + std::string(s.name);
    refuse("unknown shape '" + curve.shape + "'; known: " + known);
  }
  if (curve.points.empty()) refuse("a " + curve.shape + " curve needs at least one point");
  if (curve.shape == "constant" && curve.points.size() != 1) {
    refuse("a constant curve has one point, this one has " + std::to_string(curve.points.size()));
  }
  double before = -1;
  for (const auto& [progress, value] : curve.points) {
    const std::string point = "point (" + std::to_string(progress) + ", " + std::to_string(value) + ")";
    if (!(progress >= 0 && progress <= 1)) refuse(point + ": progress must be from 0 to 1");
    if (progress <= before) refuse(point + ": progress must rise from point to point");
    if (!std::isfinite(value) || value < 0) refuse(point + ": the value must be finite and not negative");
    before = progress;
  }
}

double evaluate(const Curve& curve, double progress) {
  const auto& points = curve.points;
  const double at = std::clamp(progress, 0.0, 1.0);
  const auto next =
      std::upper_bound(points.begin(), points.end(), at, [](double x, const auto& point) { return x < point.first; });
  if (next == points.begin()) return points.front().second;
  const auto& [x0, y0] = *std::prev(next);
  if (next == points.end()) return y0;
  const double t = (at - x0) / (next->first - x0);
  return std::lerp(y0, next->second, find_shape(curve.shape)->ease(t));
}

double held_until(const Curve& curve, double progress) {
  const auto& points = curve.points;
  const auto next = std::upper_bound(points.begin(), points.end(), progress,
                                     [](double x, const auto& point) { return x < point.first; });
  if (next == points.end()) return 1;
  const bool holds =
      next == points.begin() || std::prev(next)->second == next->second || find_shape(curve.shape)->ease == ease_hold;
  return holds ? next->first : progress;
}

double final_value(const Curve& curve) {
  return curve.points[points_in_use(curve) - 1].second;
}

double last_change(const Curve& curve) {
  const auto& points = curve.points;
  std::size_t last = points_in_use(curve) - 1;
  while (last > 0 && points[last].second == points[last - 1].second) --last;
  return last == 0 ? 0 : points[last].first;
}

std::vector<double> switch_points(const Curve& curve) {
  const auto& points = curve.points;
  const auto changes = [&](std::size_t from) {  // between point `from` and the next
    return from + 1 < points.size() && points[from].second != points[from + 1].second;
  };
  std::vector<double> switches;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool before = i > 0 && changes(i - 1);
    // A step changes at its end alone; every other shape begins to change at one point and ends at another.
    const bool here = curve.shape == "step" ? before : before != changes(i);
    if (here && points[i].first > 0 && points[i].first < 1) switches.push_back(points[i].first);
  }
  return switches;
}

}  // namespace crossfade::schedules
