#include "runner/grid/point_text.hpp"

#include <cmath>
#include <cstdint>

#include "data/number_words.hpp"
#include "runner/grid/scalar_text.hpp"

namespace crossfade::runner {
namespace {

template <class Text>
std::string joined(const Space& space, const Point& point, Text text_of) {
  std::string text;
  for (std::size_t d = 0; d < point.size(); ++d)
    text += (d == 0 ? "" : ", ") + space.dimensions[d].name + "=" + text_of(space.dimensions[d], point[d]);
  return text;
}

}  // namespace

std::string value_text(const Dimension& dimension, double value) {
  constexpr double kLargestWhole = 1e15;
  if (!dimension.choices.empty()) return dimension.choices[static_cast<std::size_t>(value)];
  const bool is_whole = value == std::floor(value) && std::abs(value) <= kLargestWhole;
  return is_whole ? std::to_string(static_cast<std::int64_t>(value)) : number_text(value);  // no integer reads as 1e+06
}

std::string brief_text(const Dimension& dimension, double value) {
  return dimension.choices.empty() ? data::significant(value, 4) : value_text(dimension, value);
}

std::string brief_text(const Space& space, const Point& point) {
  return joined(space, point, [](const Dimension& dimension, double value) { return brief_text(dimension, value); });
}

std::string point_text(const Space& space, const Point& point) {
  return joined(space, point, value_text);
}

}  // namespace crossfade::runner
