#include "runner/grid/search_settings.hpp"

#include <map>
#include <utility>

#include "runner/grid/error.hpp"
#include "runner/grid/point_text.hpp"

namespace crossfade::runner {
namespace {

constexpr char kMark = '$';

using Values = std::map<std::string, std::string>;  // by name

/// "first" of "$first" that isn't quoted; otherwise nothing.
std::string reference_in(const std::string& text, bool quoted = false) {
  return !quoted && text.size() > 1 && text.front() == kMark ? text.substr(1) : "";
}

void find_references(const Value& value, const std::vector<std::string>& path, std::vector<Reference>& found) {
  if (const std::string name = reference_in(value.scalar, value.quoted); value.is_scalar() && !name.empty())
    found.push_back({name, value.place, false, path});
  for (const Value& item : value.list) find_references(item, path, found);
  for (const Entry& entry : value.map) {
    if (const std::string name = reference_in(entry.key); !name.empty())
      found.push_back({name, entry.place, true, path});
    std::vector<std::string> below = path;
    below.push_back(entry.key);
    find_references(entry.value, below, found);
  }
}

Values values_of(const Space& space, const Point& point) {
  Values values;
  for (std::size_t d = 0; d < point.size(); ++d)
    values[space.dimensions[d].name] = value_text(space.dimensions[d], point[d]);
  return values;
}

Value with_values(Value value, const Values& values) {
  if (value.is_scalar())
    if (const std::string name = reference_in(value.scalar, value.quoted); values.contains(name))
      value.scalar = values.at(name);
  for (Value& item : value.list) item = with_values(std::move(item), values);
  for (Entry& entry : value.map) {
    if (const std::string name = reference_in(entry.key); values.contains(name)) entry.key = values.at(name);
    entry.value = with_values(std::move(entry.value), values);
  }
  for (std::size_t i = 0; i < value.map.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (value.map[i].key == value.map[k].key)
        refuse(value.map[i].place, "'" + value.map[i].key +
                                       "' twice in one map, expected constraints or ranges that keep apart what "
                                       "stands as keys beside one another");
  return value;
}

}  // namespace

std::vector<Reference> references_in(const Value& settings) {
  std::vector<Reference> found;
  find_references(settings, {}, found);
  return found;
}

Value filled(const Value& settings, const Space& space, const Point& point) {
  return with_values(settings, values_of(space, point));
}

std::string settings_yaml(const std::string& grid_text, const Search& search, const Point& point) {
  const Value grid = parse_document(grid_text, "grid");
  return to_yaml(filled(*grid.find("search")->find("settings"), search.space, point));
}

}  // namespace crossfade::runner
