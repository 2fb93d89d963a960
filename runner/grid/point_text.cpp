#include "runner/grid/point_text.hpp"

#include <cstdio>

#include "runner/grid/scalar_text.hpp"

namespace crossfade::runner {

std::string value_text(const Dimension& dimension, double value) {
  return dimension.choices.empty() ? number_text(value) : dimension.choices[static_cast<std::size_t>(value)];
}

std::string brief_text(const Dimension& dimension, double value) {
  if (!dimension.choices.empty()) return value_text(dimension, value);
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string brief_text(const Space& space, const Point& point) {
  std::string text;
  for (std::size_t d = 0; d < point.size(); ++d)
    text += (d == 0 ? "" : ", ") + space.dimensions[d].name + "=" + brief_text(space.dimensions[d], point[d]);
  return text;
}

std::string point_text(const Space& space, const Point& point) {
  std::string text;
  for (std::size_t d = 0; d < point.size(); ++d)
    text += (d == 0 ? "" : ", ") + space.dimensions[d].name + "=" + value_text(space.dimensions[d], point[d]);
  return text;
}

}  // namespace crossfade::runner
