#include "runner/grid/path.hpp"

#include <algorithm>

#include "runner/grid/keys.hpp"
#include "runner/grid/spelling.hpp"

namespace crossfade::runner {
namespace {

bool holds_free_names(std::string_view map_name) {
  return map_name == "cohorts" || map_name == "variants" || map_name == "stages";
}

std::string_view last_key(std::string_view path) {
  return path.substr(path.rfind('.') + 1);  // npos + 1 is 0: a path of one key
}

/// How many characters of `path` are the next key: the longest key of `map` that it begins with, or up to the first
/// dot.
std::size_t next_key_length(const Value& map, std::string_view path) {
  std::size_t length = 0;
  for (const Entry& entry : map.map) {
    const bool begins =
        path.starts_with(entry.key) && (path.size() == entry.key.size() || path[entry.key.size()] == '.');
    if (begins) length = std::max(length, entry.key.size());
  }
  return length > 0 ? length : std::min(path.find('.'), path.size());
}

std::vector<std::string> keys_of(const Value& map) {
  std::vector<std::string> keys;
  for (const Entry& entry : map.map) keys.push_back(entry.key);
  return keys;
}

}  // namespace

void set_path(Value& map, std::string_view path, const Value& value, const Place& place,
              const std::string& path_so_far) {
  if (!map.is_map())
    refuse(place,
           "'" + path_so_far + "' is " + in_words(map) + " and no map, so it has no key '" + std::string(path) + "'");
  const std::size_t length = next_key_length(map, path);
  const std::string key(path.substr(0, length));
  if (key.empty()) refuse(place, "an empty key in the path, expected keys with single dots between them");

  auto found = std::find_if(map.map.begin(), map.map.end(), [&](const Entry& entry) { return entry.key == key; });
  if (found == map.map.end()) {
    if (holds_free_names(last_key(path_so_far)) && !map.map.empty())
      refuse(place, "unknown key '" + key + "' in " + path_so_far + ", expected one of " + joined(keys_of(map)) +
                        did_you_mean(key, keys_of(map)));
    found = map.map.insert(found, {key, place, {}});
    found->value.kind = Value::Kind::kMap;
    found->value.place = place;
  }
  if (length == path.size()) {
    found->place = place;
    found->value = value;
  } else {
    set_path(found->value, path.substr(length + 1), value, place, path_so_far.empty() ? key : path_so_far + "." + key);
  }
}

Value nested_at(const Value& map, std::string_view path, const Value& value, const Place& place) {
  const std::size_t length = next_key_length(map, path);
  const std::string key(path.substr(0, length));
  const Value* below = map.find(key);
  Value nested;
  nested.kind = Value::Kind::kMap;
  nested.place = place;
  nested.map.push_back({key, place,
                        length == path.size()
                            ? value
                            : nested_at(below == nullptr ? Value{} : *below, path.substr(length + 1), value, place)});
  return nested;
}

void apply_override(Value& grid, const std::string& argument) {
  const Place place{"--set " + argument, 0, 0};
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) refuse(place, "expected PATH=VALUE, such as optimizer.lr=1e-4");
  std::string path = argument.substr(0, equals);
  const Value value = parse_value(argument.substr(equals + 1), place.source);

  const std::string first = path.substr(0, path.find('.'));
  const std::vector<std::string> root = names_of(kRootKeys), settings = names_of(kSettingsKeys);
  if (std::find(root.begin(), root.end(), first) == root.end()) {
    if (std::find(settings.begin(), settings.end(), first) == settings.end()) {
      std::vector<std::string> valid = root;
      valid.insert(valid.end(), settings.begin(), settings.end());
      refuse(place, "unknown key '" + first + "', expected one of " + joined(valid) + did_you_mean(first, valid));
    }
    path = "defaults." + path;
  }
  if (path.starts_with("sweep.")) {  // its keys are paths themselves
    Value sweep;
    sweep.kind = Value::Kind::kMap;
    sweep.place = place;
    sweep.map.push_back({path.substr(6), place, value});
    const Value* before = grid.find("sweep");
    set_path(grid, "sweep", before == nullptr ? sweep : merged(*before, sweep), place);
  } else {
    set_path(grid, path, value, place);
  }
}

}  // namespace crossfade::runner
