#include "runner/grid/parameter_table.hpp"

#include <algorithm>
#include <cmath>

#include "runner/grid/scalar_text.hpp"
#include "runner/grid/spelling.hpp"

namespace crossfade::runner {

void ParameterTable::add(const char* name, std::string takes, std::string otherwise, const char* help) {
  rows_.push_back({prefix_ + name, std::move(takes), std::move(otherwise), help});
}

void ParameterTable::number(const char* name, double& option, double min, double max, const char* help) {
  add(name, "number " + number_text(min) + " to " + number_text(max), std::isnan(option) ? "" : number_text(option),
      help);
}

void ParameterTable::integer(const char* name, int& option, int min, int max, const char* help) {
  add(name, "integer " + std::to_string(min) + " to " + std::to_string(max), std::to_string(option), help);
}

void ParameterTable::seed(const char* name, std::uint64_t& option, const char* help) {
  add(name, "integer, 0 or more", std::to_string(option), help);
}

void ParameterTable::flag(const char* name, bool& option, const char* help) {
  add(name, "true, false", option ? "true" : "false", help);
}

void ParameterTable::choice(const char* name, std::string& option, std::initializer_list<const char*> allowed,
                            const char* help) {
  add(name, joined({allowed.begin(), allowed.end()}), option, help);
}

void ParameterTable::text(const char* name, std::string& option, const char* help) {
  add(name, "text", option, help);
}

void ParameterTable::structured(const char* name, std::string& option, const char* help) {
  add(name, "text, list or map", option, help);
}

std::string markdown_table(const std::vector<ParameterRow>& rows) {
  std::size_t key = 3, takes = 5, otherwise = 7;
  for (const ParameterRow& row : rows) {
    key = std::max(key, row.key.size() + 2);
    takes = std::max(takes, row.takes.size());
    otherwise = std::max(otherwise, row.otherwise.size());
  }
  const auto padded = [](std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  const auto line = [&](const std::string& a, const std::string& b, const std::string& c, const std::string& d) {
    return "| " + padded(a, key) + " | " + padded(b, takes) + " | " + padded(c, otherwise) + " | " + d + " |\n";
  };
  std::string table = line("key", "takes", "default", "meaning");
  table += line(std::string(key, '-'), std::string(takes, '-'), std::string(otherwise, '-'), "---");
  for (const ParameterRow& row : rows) table += line("`" + row.key + "`", row.takes, row.otherwise, row.help);
  return table;
}

}  // namespace crossfade::runner
