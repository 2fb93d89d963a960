#include "runner/grid/document.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "runner/grid/scalar_text.hpp"

namespace crossfade::runner {
namespace {

constexpr int kDeepest = 32;
constexpr int kMostNodes = 100'000;  // aliases of aliases multiply: a short file can stand for billions of nodes

class Converter {
 public:
  Converter(std::string source, bool with_lines) : source_(std::move(source)), with_lines_(with_lines) {}

  Place place(const YAML::Mark& mark) const {
    if (!with_lines_ || mark.is_null()) return {source_, 0, 0};
    return {source_, mark.line + 1, mark.column + 1};
  }

  Value convert(const YAML::Node& node, const Place& otherwise, int depth = 0) {
    Value value;
    value.place = node.IsNull() ? otherwise : place(node.Mark());  // yaml-cpp puts nothing where the next thing is
    if (depth > kDeepest || ++nodes_ > kMostNodes)
      refuse(value.place, "the grid is nested too deeply or too large, expected at most " + std::to_string(kDeepest) +
                              " levels and " + std::to_string(kMostNodes) + " values");
    value.flow = node.Style() == YAML::EmitterStyle::Flow;
    if (node.IsScalar()) {
      value.kind = Value::Kind::kScalar;
      value.scalar = node.Scalar();
      value.quoted = node.Tag() == "!";
    } else if (node.IsSequence()) {
      value.kind = Value::Kind::kList;
      for (const auto& item : node) value.list.push_back(convert(item, value.place, depth + 1));
    } else if (node.IsMap()) {
      value.kind = Value::Kind::kMap;
      for (const auto& pair : node) add_entry(value, pair.first, pair.second, depth);
    }
    return value;
  }

 private:
  void add_entry(Value& map, const YAML::Node& key, const YAML::Node& node, int depth) {
    const Place key_place = place(key.Mark());
    if (!key.IsScalar()) refuse(key_place, "a key must be a word or a number, not a list, a map or nothing");
    // yaml-cpp keeps both of two equal keys and finds one of them.
    if (const Entry* first = map.find_entry(key.Scalar()))
      refuse(key_place, "duplicate key '" + key.Scalar() + "', expected each key once" +
                            (with_lines_ ? " (the first is in line " + std::to_string(first->place.line) + ")" : ""));
    map.map.push_back({key.Scalar(), key_place, convert(node, key_place, depth + 1)});
  }

  std::string source_;
  bool with_lines_;
  int nodes_ = 0;
};

Value parse(const std::string& text, const std::string& source, bool with_lines) {
  Converter converter(source, with_lines);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) refuse(converter.place(documents[1].Mark()), "a second YAML document, expected one");
    return converter.convert(documents.empty() ? YAML::Node() : documents[0], {source, with_lines ? 1 : 0, 1});
  } catch (const YAML::Exception& error) {
    refuse(converter.place(error.mark), "not valid YAML: " + error.msg);
  }
}

void emit(YAML::Emitter& out, const Value& value, bool flow) {
  const bool in_flow = flow || value.flow;
  switch (value.kind) {
    case Value::Kind::kNothing:
      out << YAML::Null;
      break;
    case Value::Kind::kScalar:
      if (value.quoted) out << YAML::DoubleQuoted;
      out << value.scalar;
      break;
    case Value::Kind::kList:
      if (in_flow) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const Value& item : value.list) emit(out, item, in_flow);
      out << YAML::EndSeq;
      break;
    case Value::Kind::kMap:
      if (in_flow) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const Entry& entry : value.map) {
        out << YAML::Key << entry.key << YAML::Value;
        emit(out, entry.value, in_flow);
      }
      out << YAML::EndMap;
      break;
  }
}

nlohmann::ordered_json json_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNothing:
      return nullptr;
    case Value::Kind::kScalar:
      if (const auto integer = value.quoted ? std::nullopt : parse_integer(value.scalar)) return *integer;
      if (const auto number = value.quoted ? std::nullopt : parse_number(value.scalar)) return *number;
      return value.scalar;
    case Value::Kind::kList: {
      auto list = nlohmann::ordered_json::array();
      for (const Value& item : value.list) list.push_back(json_of(item));
      return list;
    }
    case Value::Kind::kMap:
      break;
  }
  auto map = nlohmann::ordered_json::object();
  for (const Entry& entry : value.map) map[entry.key] = json_of(entry.value);
  return map;
}

}  // namespace

std::string to_string(const Place& place) {
  if (place.line == 0) return place.source;
  return place.source + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

void refuse(const Place& place, const std::string& message) {
  throw GridError(to_string(place) + ": " + message);
}

const Entry* Value::find_entry(std::string_view key) const {
  const auto found = std::find_if(map.begin(), map.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == map.end() ? nullptr : &*found;
}

const Value* Value::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry == nullptr ? nullptr : &entry->value;
}

Value parse_document(const std::string& text, const std::string& source) {
  return parse(text, source, true);
}

Value parse_value(const std::string& text, const std::string& source) {
  return parse(text, source, false);
}

std::string to_yaml(const Value& value) {
  YAML::Emitter out;
  emit(out, value, false);
  return std::string(out.c_str()) + "\n";
}

std::string to_flow_yaml(const Value& value) {
  YAML::Emitter out;
  emit(out, value, true);
  std::string line = out.c_str();
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string to_json(const Value& value) {
  return json_of(value).dump();
}

std::string in_words(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kScalar:
      return value.quoted ? "the text \"" + value.scalar + "\"" : "'" + value.scalar + "'";
    case Value::Kind::kList:
      return "a list";
    case Value::Kind::kMap:
      return "a map";
    case Value::Kind::kNothing:
      break;
  }
  return "nothing";
}

Value merged(Value base, const Value& over) {
  if (!base.is_map() || !over.is_map()) return over;
  for (const Entry& entry : over.map) {
    const auto same =
        std::find_if(base.map.begin(), base.map.end(), [&](const Entry& e) { return e.key == entry.key; });
    if (same == base.map.end()) {
      base.map.push_back(entry);
    } else {
      same->place = entry.place;
      same->value = merged(std::move(same->value), entry.value);
    }
  }
  return base;
}

}  // namespace crossfade::runner
