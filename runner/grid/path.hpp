// Dotted paths into a grid, as --set and sweep use them.
#pragma once

#include <string>
#include <string_view>

#include "runner/grid/document.hpp"

namespace crossfade::runner {

/// Puts `value` at a dotted path below `map`, making maps on the way. A name with dots in it is found by its longest
/// match among the keys that are there. A cohort, variant or stage is never made up: where others are, an unknown name
/// is refused with the nearest one. `path_so_far` is the place of `map` in the grid, for messages. Throws GridError.
void set_path(Value& map, std::string_view path, const Value& value, const Place& place,
              const std::string& path_so_far = "");

/// `value` at that path in maps of its own, with the keys that set_path() would find in `map`.
Value nested_at(const Value& map, std::string_view path, const Value& value, const Place& place);

/// Applies one --set: "PATH=VALUE" with the whole path from the root of the grid, or a short one below `defaults`.
void apply_override(Value& grid, const std::string& argument);

}  // namespace crossfade::runner
