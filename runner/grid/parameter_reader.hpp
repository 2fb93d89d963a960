// Fills a struct of options from a map of the grid, checking what its describe() says. One of the three visitors that
// derive everything from a description; the others are parameter_json.hpp and parameter_table.hpp.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "runner/grid/document.hpp"

namespace crossfade::runner {

/// Reads integers that are no described option, such as an item of `seeds`; the same checks and messages.
std::int64_t read_integer(const Value& value, const std::string& path, std::int64_t min, std::int64_t max);
double read_number(const Value& value, const std::string& path, double min, double max);
std::string read_text(const Value& value, const std::string& path);

inline constexpr std::int64_t kLargestSeed = INT64_MAX;  // seeds are stored as SQLite integers

/// Keys that the map lacks keep what the struct has. Every function throws GridError with place, value, the rule and
/// the full path of the key.
class ParameterReader {
 public:
  /// `path` is where the map stands in the grid, for messages: "defaults.stages.pretrain". `map` must outlive the
  /// reader.
  ParameterReader(const Value& map, std::string path);

  void number(const char* name, double& option, double min, double max, const char* help);
  void integer(const char* name, int& option, int min, int max, const char* help);
  void seed(const char* name, std::uint64_t& option, const char* help);
  void flag(const char* name, bool& option, const char* help);
  void choice(const char* name, std::string& option, std::initializer_list<const char*> allowed, const char* help);
  void text(const char* name, std::string& option, const char* help);
  /// A text as it is; a list or map as JSON.
  void structured(const char* name, std::string& option, const char* help);

  template <class Options>
  void group(const char* name, Options& options, const char*) {
    if (const Value* map = take(name)) {
      ParameterReader inner(*map, path_of(name));
      describe(inner, options);
      inner.finish();
    }
  }

  /// The value of a key that no description has; the key is valid from now on.
  const Value* take(const std::string& name);
  std::string path_of(const std::string& name) const;
  /// Refuses keys that nobody asked for.
  void finish() const;

 private:
  const Value& map_;
  std::string path_;
  std::vector<std::string> valid_;
};

template <class Options>
void read_parameters(const Value& map, const std::string& path, Options& options) {
  ParameterReader reader(map, path);
  describe(reader, options);
  reader.finish();
}

}  // namespace crossfade::runner
