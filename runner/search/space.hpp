// What a search varies: ranges, rasters and choices, and which of two values comes first.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace crossfade::runner {

/// One thing that is varied, by the name that the grid gives it.
struct Dimension {
  std::string name;
  double from = 0, to = 1;
  bool logarithmic = false;
  bool moment = false;                 // progress at which a schedule changes; 1: never
  std::vector<double> raster{};        // the values that are tried, rising; empty: any of the range
  std::vector<std::string> choices{};  // texts that the values 0, 1, .. of the raster stand for
};

/// point[before] < point[behind], or at most equal to it.
struct Order {
  std::size_t before = 0, behind = 0;
  bool or_equal = false;
};

struct Space {
  std::vector<Dimension> dimensions;
  std::vector<Order> orders{};
};

/// A value of each dimension.
using Point = std::vector<double>;

/// Whether the orders hold.
bool allows(const Space& space, const Point& point);

/// Whether every dimension has a raster.
bool is_finite(const Space& space);

/// Number of points of the rasters, those that the orders forbid with them; as a double, which can't overflow.
double raster_points(const Space& space);

/// Progress of a moment that never comes.
inline constexpr double kNever = 1;

/// The same space, each moment of which may never come as well. Precondition: moments have rasters.
Space with_never(Space space);

/// The same space with the lowest and the highest value alone of each dimension, but with all of its choices.
Space with_ends(Space space);

/// Every point of the rasters that is allowed, the last dimension fastest. Precondition: is_finite(space).
std::vector<Point> all_points(const Space& space);

/// `point`, and what is allowed of it with one other value of a raster, moments aside: whatever cohort or size of net a
/// point of the space names, one of these does.
std::vector<Point> with_each_value(const Space& space, const Point& point);

/// The point at `unit`, which has a coordinate in [0, 1) a dimension. It may be forbidden.
Point point_at(const Space& space, const std::vector<double>& unit);

/// What point_at() makes this point of, as near as it can be.
std::vector<double> unit_of(const Space& space, const Point& point);

/// A point as coordinates of which close ones are alike: numbers of their range in [0, 1] (a moment of 1 may lie
/// beyond), logarithms where the range is logarithmic, and for each choice 1 or 0.
std::vector<double> coordinates(const Space& space, const Point& point);

}  // namespace crossfade::runner
