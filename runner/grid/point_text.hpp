// Points of a search's space as texts.
#pragma once

#include <string>

#include "runner/search/space.hpp"

namespace crossfade::runner {

/// As the grid would have it: "0.35", "linear".
std::string value_text(const Dimension& dimension, double value);

/// The same for a person, numbers with four significant digits: "0.1667".
std::string brief_text(const Dimension& dimension, double value);
std::string brief_text(const Space& space, const Point& point);

/// "first=0.3, second=0.6".
std::string point_text(const Space& space, const Point& point);

}  // namespace crossfade::runner
