// Every described option, whatever its struct: it can be set in a grid, arrives, and is shown.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/grid/parameter_json.hpp"
#include "runner/grid/parameter_reader.hpp"
#include "runner/grid/parameter_table.hpp"
#include "tests/runner/grid/grid_file.hpp"

namespace crossfade::runner {
namespace {

/// For each option of a struct, its path, a valid value that is not the default, and one that is not valid.
class Examples {
 public:
  struct Example {
    std::string path, valid, invalid;
  };

  void number(const char* name, double& option, double min, double max, const char*) {
    const double value = option == max ? min : max;
    add(name, nlohmann::json(value).dump(), nlohmann::json(max * 2 + 1).dump());
  }
  void integer(const char* name, int& option, int min, int max, const char*) {
    add(name, std::to_string(option == max ? min : max), std::to_string(static_cast<std::int64_t>(max) + 1));
  }
  void seed(const char* name, std::uint64_t& option, const char*) { add(name, std::to_string(option + 1), "-1"); }
  void flag(const char* name, bool& option, const char*) { add(name, option ? "false" : "true", "maybe"); }
  void text(const char* name, std::string& option, const char*) { add(name, option + "x", "[x]"); }
  void structured(const char* name, std::string& option, const char*) { add(name, option + "x", ""); }
  void choice(const char* name, std::string& option, std::initializer_list<const char*> allowed, const char*) {
    std::string other = *allowed.begin();
    for (const char* word : allowed)
      if (word != option) other = word;
    add(name, other, "none-of-these");
  }
  template <class Options>
  void group(const char* name, Options& options, const char*) {
    const std::string outer = prefix_;
    prefix_ += std::string(name) + ".";
    describe(*this, options);
    prefix_ = outer;
  }
  std::vector<Example> all;

 private:
  void add(const char* name, std::string valid, std::string invalid) {
    all.push_back({prefix_ + name, std::move(valid), std::move(invalid)});
  }
  std::string prefix_;
};

template <class Options>
std::vector<Examples::Example> examples() {
  Options options;
  Examples visit;
  describe(visit, options);
  return visit.all;
}

/// "a.b" -> "{a: {b: VALUE}}"
Value nested(const std::string& path, const std::string& value) {
  const std::size_t dot = path.find('.');
  if (dot == std::string::npos) return parse_value("{" + path + ": " + value + "}", "test");
  Value outer = parse_value("{" + path.substr(0, dot) + ": {}}", "test");
  outer.map[0].value = nested(path.substr(dot + 1), value);
  return outer;
}

nlohmann::json::json_pointer pointer(std::string path) {
  for (char& letter : path)
    if (letter == '.') letter = '/';
  return nlohmann::json::json_pointer("/" + path);
}

template <class Options>
void check_every_option() {
  const nlohmann::json defaults = parameters_json(Options{});
  const auto all = examples<Options>();
  EXPECT_EQ(defaults.flatten().size(), all.size());  // nothing is shown that can't be set
  for (const auto& [path, valid, invalid] : all) {
    SCOPED_TRACE(path);
    Options options;
    read_parameters(nested(path, valid), "options", options);
    nlohmann::json shown = parameters_json(options);
    const nlohmann::json& value = shown.at(pointer(path));
    const std::string text = value.is_string() ? std::string(value) : value.dump();
    EXPECT_EQ(text, valid);
    if (valid != "unet") {  // the one choice there is: no other value to differ by
      EXPECT_NE(shown, defaults);
    }
    shown.at(pointer(path)) = defaults.at(pointer(path));
    EXPECT_EQ(shown, defaults);  // and nothing else has changed
    Options refused;
    EXPECT_THROW(read_parameters(nested(path, invalid), "options", refused), GridError);
    EXPECT_THROW(read_parameters(nested(path + "_", valid), "options", refused), GridError);
  }
}

TEST(Parameters, EveryOptionCanBeSetArrivesAndIsShown) {
  check_every_option<model::ModelOptions>();
  check_every_option<OptimizerOptions>();
  check_every_option<schedules::LossOptions>();
  check_every_option<StageOptions>();
  check_every_option<RunOptions>();
  check_every_option<data::CohortSpec>();
}

TEST(Parameters, EveryOptionIsInTheReference) {
  const auto rows = parameter_rows<data::CohortSpec>();
  for (const auto& example : examples<data::CohortSpec>())
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const ParameterRow& row) { return row.key == example.path; }))
        << example.path;
}

TEST(Parameters, TheBoundsThemselvesAreValid) {
  OptimizerOptions options;
  read_parameters(parse_value("{momentum: 0, warmup: 0.9}", "test"), "options", options);
  EXPECT_EQ(options.momentum, 0);
  EXPECT_EQ(options.warmup, 0.9);
}

}  // namespace
}  // namespace crossfade::runner
