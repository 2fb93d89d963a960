#include "runner/grid/parameter_reader.hpp"

#include <algorithm>
#include <cstring>

#include "runner/grid/scalar_text.hpp"
#include "runner/grid/spelling.hpp"

namespace crossfade::runner {
namespace {

[[noreturn]] void refuse_kind(const Value& value, const std::string& expected) {
  refuse(value.place, "expected " + expected + ", not " + in_words(value) +
                          (value.is_list() ? " (values to try belong in sweep or search.space)" : ""));
}

const std::string& plain_scalar(const Value& value, const std::string& expected) {
  if (!value.is_scalar() || value.quoted) refuse_kind(value, expected);
  return value.scalar;
}

}  // namespace

std::int64_t read_integer(const Value& value, const std::string& path, std::int64_t min, std::int64_t max) {
  const std::string expected = "an integer from " + std::to_string(min) + " to " + std::to_string(max) + " for " + path;
  const auto number = parse_integer(plain_scalar(value, expected));
  if (!number || *number < min || *number > max) refuse_kind(value, expected);
  return *number;
}

double read_number(const Value& value, const std::string& path, double min, double max) {
  const std::string expected = "a number from " + number_text(min) + " to " + number_text(max) + " for " + path;
  const auto number = parse_number(plain_scalar(value, expected));
  if (!number || *number < min || *number > max) refuse_kind(value, expected);
  return *number;
}

std::string read_text(const Value& value, const std::string& path) {
  if (!value.is_scalar()) refuse_kind(value, "text for " + path);
  return value.scalar;
}

ParameterReader::ParameterReader(const Value& map, std::string path) : map_(map), path_(std::move(path)) {
  if (!map.is_map()) refuse_kind(map, "a map for " + path_);
}

void ParameterReader::number(const char* name, double& option, double min, double max, const char*) {
  if (const Value* value = take(name)) option = read_number(*value, path_of(name), min, max);
}

void ParameterReader::integer(const char* name, int& option, int min, int max, const char*) {
  if (const Value* value = take(name)) option = static_cast<int>(read_integer(*value, path_of(name), min, max));
}

void ParameterReader::seed(const char* name, std::uint64_t& option, const char*) {
  if (const Value* value = take(name))
    option = static_cast<std::uint64_t>(read_integer(*value, path_of(name), 0, kLargestSeed));
}

void ParameterReader::flag(const char* name, bool& option, const char*) {
  const Value* value = take(name);
  if (value == nullptr) return;
  const std::string expected = "true or false for " + path_of(name);
  const std::string& word = plain_scalar(*value, expected);
  if (word != "true" && word != "false") refuse_kind(*value, expected);
  option = word == "true";
}

void ParameterReader::choice(const char* name, std::string& option, std::initializer_list<const char*> allowed,
                             const char*) {
  const Value* value = take(name);
  if (value == nullptr) return;
  const std::vector<std::string> words(allowed.begin(), allowed.end());
  const std::string expected = "one of " + joined(words) + " for " + path_of(name);
  if (!value->is_scalar()) refuse_kind(*value, expected);
  if (std::find(words.begin(), words.end(), value->scalar) == words.end())
    refuse(value->place, "expected " + expected + ", not " + in_words(*value) + did_you_mean(value->scalar, words));
  option = value->scalar;
}

void ParameterReader::text(const char* name, std::string& option, const char*) {
  if (const Value* value = take(name)) option = read_text(*value, path_of(name));
}

void ParameterReader::structured(const char* name, std::string& option, const char*) {
  const Value* value = take(name);
  if (value == nullptr) return;
  if (value->kind == Value::Kind::kNothing) refuse_kind(*value, "a text, list or map for " + path_of(name));
  option = value->is_scalar() ? value->scalar : to_json(*value);
}

const Value* ParameterReader::take(const std::string& name) {
  valid_.push_back(name);
  return map_.find(name);
}

std::string ParameterReader::path_of(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

void ParameterReader::finish() const {
  for (const Entry& entry : map_.map) {
    if (std::find(valid_.begin(), valid_.end(), entry.key) != valid_.end()) continue;
    refuse(entry.place, "unknown key '" + entry.key + "' in " + (path_.empty() ? "the grid" : path_) +
                            ", expected one of " + joined(valid_) + did_you_mean(entry.key, valid_));
  }
}

}  // namespace crossfade::runner
