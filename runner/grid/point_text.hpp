// Points of a search's space as texts.
#pragma once

#include <string>

#include "runner/search/space.hpp"

namespace crossfade::runner {

/// As the grid would have it: "0.35", "linear".
std::string value_text(const Dimension& dimension, double value);

/// "first=0.3, second=0.6".
std::string point_text(const Space& space, const Point& point);

}  // namespace crossfade::runner
