// YAML as a plain tree in which every key and value knows where it was written. document.cpp alone includes yaml-cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/grid/error.hpp"

namespace crossfade::runner {

struct Entry;

struct Value {
  enum class Kind { kNothing, kScalar, kList, kMap };  // kNothing: no value after a key, null, ~

  Kind kind = Kind::kNothing;
  std::string scalar;   // as written, without quotes
  bool quoted = false;  // a quoted scalar is text, never a number
  bool flow = false;    // written as [..] or {..}
  std::vector<Value> list;
  std::vector<Entry> map;  // in the order of the file; keys differ
  Place place;

  bool is_map() const { return kind == Kind::kMap; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  /// The value of a key, or nullptr (also for what is no map).
  const Value* find(std::string_view key) const;
  const Entry* find_entry(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Value value;
};

/// Parses one YAML document; `source` is what errors name. Throws GridError for what is no YAML, a duplicate key, a key
/// that is no scalar, several documents, or a nesting deeper than 32 (such as an alias of itself).
Value parse_document(const std::string& text, const std::string& source);

/// The same for the value of a --set, whose places have no lines.
Value parse_value(const std::string& text, const std::string& source);

/// YAML that parse_document() reads back as the same tree, comments gone.
std::string to_yaml(const Value& value);

/// In one line, for names and messages.
std::string to_flow_yaml(const Value& value);

/// As JSON, in the order of the document. Plain scalars that read as integers or numbers are numbers, all others texts.
std::string to_json(const Value& value);

/// What a value is, in words: "'abc'", "a list", "a map", "nothing".
std::string in_words(const Value& value);

/// `base` with the keys of `over` put in: maps merge key by key, anything else is replaced.
Value merged(Value base, const Value& over);

}  // namespace crossfade::runner
