// own_label_table: a table that a grid or a data set says itself.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "data/labels/label_table.hpp"
#include "data/unique_keys.hpp"

namespace crossfade::data {
namespace {

using Json = nlohmann::ordered_json;  // the order of classes is that of their names in the text

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument(what);
}

Json parse(const std::string& text, const char* what, const char* expected) {
  if (text.empty()) return {};
  try {
    return Json::parse(text, unique_keys<Json>());
  } catch (const Json::parse_error&) {
    refuse(std::string(what) + " '" + text + "' is no JSON, expected such as " + expected);
  } catch (const std::invalid_argument& error) {
    refuse(std::string(what) + ": " + error.what());
  }
}

std::int32_t id_in(const Json& json, const std::string& of) {
  const bool too_large = json.is_number_unsigned() && json.get<std::uint64_t>() > INT32_MAX;
  if (!json.is_number_integer() || too_large || json.get<std::int64_t>() != json.get<std::int32_t>())
    refuse(of + " has the id " + json.dump() + ", expected a whole number");
  return json.get<std::int32_t>();
}

std::vector<std::int32_t> ids_in(const Json& json, const std::string& of) {
  if (!json.is_array()) return {id_in(json, of)};
  if (json.empty()) refuse(of + " has no id, expected one or a list");
  std::vector<std::int32_t> ids;
  for (const Json& id : json) ids.push_back(id_in(id, of));
  return ids;
}

std::string class_name(std::string name) {
  std::ranges::replace_if(
      name, [](unsigned char c) { return c <= ' '; }, '-');
  return name;
}

void take(LabelTable& table, const std::string& of, const std::vector<std::int32_t>& ids, int to) {
  for (const std::int32_t id : ids)
    if (!table.class_of.emplace(id, to).second)
      refuse("id " + std::to_string(id) + " of " + of + " is there already, expected each id once");
}

void add_class(LabelTable& table, const std::string& name, const std::vector<std::int32_t>& ids) {
  const bool background = std::ranges::find(ids, 0) != ids.end();
  if (name.empty()) refuse("a class has an empty name");
  if (std::ranges::find(table.classes.names.begin() + 1, table.classes.names.end(), name) != table.classes.names.end())
    refuse("class " + name + " is there twice");
  if (background) {
    table.classes.names.front() = name;
  } else {
    if (table.classes.count() == kMostClasses)
      refuse("there are more than " + std::to_string(kMostClasses) + " classes with class 0");
    table.classes.names.push_back(name);
    table.id_of.push_back(ids.front());
  }
  take(table, "class " + name, ids, background ? 0 : table.classes.count() - 1);
}

std::size_t class_of_name(const Classes& classes, const std::string& name) {
  const auto found = std::ranges::find(classes.names.begin() + 1, classes.names.end(), class_name(name));
  if (found == classes.names.end()) refuse("pairs has '" + name + "', which is no class, expected one of classes");
  return static_cast<std::size_t>(found - classes.names.begin());
}

void set_twins(Classes& classes, const Json& pairs) {
  classes.left_twin.resize(classes.names.size());
  std::iota(classes.left_twin.begin(), classes.left_twin.end(), std::uint8_t{0});
  if (pairs.is_null()) return;
  if (!pairs.is_object()) refuse("pairs is " + pairs.dump() + ", expected {\"LEFT\": \"RIGHT\"}");
  std::vector<bool> paired(classes.names.size());
  for (const auto& [left, right] : pairs.items()) {
    if (!right.is_string()) refuse("pairs has " + right.dump() + " beside " + left + ", expected the name of a class");
    const std::size_t one = class_of_name(classes, left), other = class_of_name(classes, right.get<std::string>());
    for (const std::size_t c : {one, other}) {
      if (paired[c] || one == other) refuse("pairs has class " + classes.names[c] + " twice, expected each once");
      paired[c] = true;
    }
    classes.left_twin[other] = static_cast<std::uint8_t>(one);
  }
}

}  // namespace

LabelTable own_label_table(const OwnClasses& own) {
  const Json classes = parse(own.classes, "classes", "{\"Anterior\": 1, \"Posterior\": [2, 3]}");
  const Json pairs = parse(own.pairs, "pairs", "{\"Left-Kidney\": \"Right-Kidney\"}");
  const Json ignore = parse(own.ignore, "ignore", "[255]");
  if (!classes.is_object()) refuse("classes is " + classes.dump() + ", expected {\"NAME\": ID or [IDS], ...}");
  LabelTable table{.name = "classes", .classes = {{"background"}, {}}, .class_of = {}, .to_nearest = {}, .id_of = {0}};
  for (const auto& [name, ids] : classes.items()) add_class(table, class_name(name), ids_in(ids, "class " + name));
  if (table.classes.count() < 2) refuse("classes names no class beside the background, expected at least one");
  if (std::ranges::count(table.classes.names, table.classes.names.front()) > 1)
    refuse("class 0 and another are both called " + table.classes.names.front());
  if (!ignore.is_null()) take(table, "ignore", ids_in(ignore, "ignore"), kIgnored);
  set_twins(table.classes, pairs);
  table.may_be_empty = true;
  return table;
}

std::string own_label_table_fault(const OwnClasses& own) {
  try {
    own_label_table(own);
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

}  // namespace crossfade::data
