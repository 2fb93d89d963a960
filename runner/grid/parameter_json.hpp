// Writes a struct of options as JSON, one member an option, by its describe().
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace crossfade::runner {

class ParameterJson {
 public:
  void number(const char* name, double& option, double, double, const char*) { object_[name] = option; }
  void integer(const char* name, int& option, int, int, const char*) { object_[name] = option; }
  void seed(const char* name, std::uint64_t& option, const char*) { object_[name] = option; }
  void flag(const char* name, bool& option, const char*) { object_[name] = option; }
  void text(const char* name, std::string& option, const char*) { object_[name] = option; }
  void structured(const char* name, std::string& option, const char*) { object_[name] = option; }
  void choice(const char* name, std::string& option, std::initializer_list<const char*>, const char*) {
    object_[name] = option;
  }
  template <class Options>
  void group(const char* name, Options& options, const char*) {
    ParameterJson inner;
    describe(inner, options);
    object_[name] = inner.object_;
  }

  nlohmann::json take() { return std::move(object_); }

 private:
  nlohmann::json object_ = nlohmann::json::object();
};

/// Keys are sorted; a number is the shortest text that reads back as the same number.
template <class Options>
nlohmann::json parameters_json(Options options) {
  ParameterJson visit;
  describe(visit, options);
  return visit.take();
}

/// The same without what equals its default, for hashes: a parameter that a later version adds, with a default that
/// changes nothing, then leaves the hashes of before as they were.
template <class Options>
nlohmann::json changed_parameters_json(const Options& options) {
  const auto drop_equal = [](auto& self, nlohmann::json& object, const nlohmann::json& defaults) -> void {
    for (auto item = object.begin(); item != object.end();) {
      const nlohmann::json& standard = defaults.at(item.key());
      if (item->is_object()) self(self, *item, standard);
      const bool same = *item == standard || (item->is_object() && item->empty());
      item = same ? object.erase(item) : std::next(item);
    }
  };
  nlohmann::json object = parameters_json(options);
  drop_equal(drop_equal, object, parameters_json(Options{}));
  return object;
}

}  // namespace crossfade::runner
