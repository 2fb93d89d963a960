// `search.settings`: a variant's settings with $NAME where a value of the search's space goes.
#pragma once

#include <string>
#include <vector>

#include "runner/grid/document.hpp"
#include "runner/grid/error.hpp"
#include "runner/search/search_options.hpp"
#include "runner/search/space.hpp"

namespace crossfade::runner {

/// Where $NAME stands in the settings.
struct Reference {
  std::string name;
  Place place;
  bool is_key = false;            // of a map, such as the PROGRESS of a curve
  std::vector<std::string> path;  // keys above it
};

std::vector<Reference> references_in(const Value& settings);

/// The settings with the values of a point put in. Throws GridError where two keys of one map become the same.
Value filled(const Value& settings, const Space& space, const Point& point);

/// The same of the search of a whole grid, as YAML, ready to stand as a variant.
std::string settings_yaml(const std::string& grid_text, const Search& search, const Point& point);

}  // namespace crossfade::runner
