#include "runner/search/space.hpp"

#include <algorithm>
#include <cmath>

namespace crossfade::runner {
namespace {

/// Of a number of the range, 0 at its begin and 1 at its end.
double part_of(const Dimension& dimension, double value) {
  if (dimension.to == dimension.from) return 0;
  if (dimension.logarithmic) return std::log(value / dimension.from) / std::log(dimension.to / dimension.from);
  return (value - dimension.from) / (dimension.to - dimension.from);
}

}  // namespace

bool allows(const Space& space, const Point& point) {
  return std::ranges::all_of(space.orders, [&](const Order& order) {
    return point[order.before] < point[order.behind] || (order.or_equal && point[order.before] == point[order.behind]);
  });
}

bool is_finite(const Space& space) {
  return std::ranges::none_of(space.dimensions, [](const Dimension& d) { return d.raster.empty(); });
}

double raster_points(const Space& space) {
  double points = 1;
  for (const Dimension& dimension : space.dimensions) points *= static_cast<double>(dimension.raster.size());
  return points;
}

Space with_never(Space space) {
  for (Dimension& dimension : space.dimensions)
    if (dimension.moment && dimension.raster.back() < kNever) dimension.raster.push_back(kNever);
  return space;
}

Space with_ends(Space space) {
  for (Dimension& dimension : space.dimensions) {
    if (!dimension.choices.empty()) continue;
    dimension.raster = dimension.raster.empty() ? std::vector{dimension.from, dimension.to}
                                                : std::vector{dimension.raster.front(), dimension.raster.back()};
  }
  return space;
}

std::vector<Point> all_points(const Space& space) {
  std::vector<Point> points = {{}};
  for (const Dimension& dimension : space.dimensions) {
    std::vector<Point> longer;
    for (const Point& point : points) {
      for (const double value : dimension.raster) {
        longer.push_back(point);
        longer.back().push_back(value);
      }
    }
    points = std::move(longer);
  }
  std::erase_if(points, [&](const Point& point) { return !allows(space, point); });
  return points;
}

std::vector<Point> with_each_value(const Space& space, const Point& point) {
  std::vector<Point> points = {point};
  for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
    if (space.dimensions[d].moment) continue;
    for (const double value : space.dimensions[d].raster) {
      Point other = point;
      other[d] = value;
      if (value != point[d] && allows(space, other)) points.push_back(std::move(other));
    }
  }
  return points;
}

Point point_at(const Space& space, const std::vector<double>& unit) {
  Point point;
  for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
    const Dimension& dimension = space.dimensions[d];
    const auto values = static_cast<double>(dimension.raster.size());
    if (!dimension.raster.empty())
      point.push_back(dimension.raster[static_cast<std::size_t>(unit[d] * values)]);
    else if (dimension.logarithmic)
      point.push_back(dimension.from * std::pow(dimension.to / dimension.from, unit[d]));
    else
      point.push_back(dimension.from + (dimension.to - dimension.from) * unit[d]);
  }
  return point;
}

std::vector<double> unit_of(const Space& space, const Point& point) {
  std::vector<double> unit;
  for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
    const Dimension& dimension = space.dimensions[d];
    const auto nearest = std::ranges::lower_bound(dimension.raster, point[d]) - dimension.raster.begin();
    unit.push_back(dimension.raster.empty()
                       ? part_of(dimension, point[d])
                       : (static_cast<double>(nearest) + 0.5) / static_cast<double>(dimension.raster.size()));
  }
  return unit;
}

std::vector<double> coordinates(const Space& space, const Point& point) {
  std::vector<double> all;
  for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
    const Dimension& dimension = space.dimensions[d];
    const double value = point[d];
    if (!dimension.choices.empty()) {
      for (const double choice : dimension.raster) all.push_back(value == choice ? 1 : 0);
    } else {
      all.push_back(part_of(dimension, value));
    }
  }
  return all;
}

}  // namespace crossfade::runner
