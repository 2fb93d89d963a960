// Curves: the weight of a loss term as a pure function of training progress.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace crossfade::schedules {

/// A value over progress in [0, 1]: points (progress, value) in rising order of progress, and how to go from one to the
/// next. Before the first point its value holds, after the last the last one's.
struct Curve {
  std::string shape = "constant";  // constant, step, linear, piecewise, cosine, exponential, sigmoid: see shape_names()
  std::vector<std::pair<double, double>> points = {{0.0, 1.0}};

  bool operator==(const Curve&) const = default;
};

Curve constant(double value);

/// Every shape with one sentence on what it does between two points.
const std::vector<std::pair<std::string, std::string>>& shape_names();

/// Throws std::invalid_argument naming the rule that is broken: unknown shape, no points, progress outside [0, 1] or
/// not rising, a value that is negative or not finite.
void check(const Curve& curve);

/// Precondition: check(curve) passes. `progress` outside [0, 1] is clamped.
double evaluate(const Curve& curve, double progress);

/// The value that training ends with: that of the last point, but of a step at 1, which training does not reach, the
/// one before. Precondition: check(curve) passes.
double final_value(const Curve& curve);

/// The progress up to which, without it, the value is exactly that at `progress`: this itself where it changes from one
/// step to the next, 1 where it never does again. May be an earlier one than the latest such.
double held_until(const Curve& curve, double progress);

/// Progress from which on the value stays as it is: 0 where it never changes in training, as by a step at 1.
double last_change(const Curve& curve);

/// Progress values in (0, 1) at which the curve begins or ends to change: what a figure marks as a switch.
std::vector<double> switch_points(const Curve& curve);

}  // namespace crossfade::schedules
