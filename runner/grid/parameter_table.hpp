// Rows of the reference: a key, what it takes, its default and its help, by the struct's describe().
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace crossfade::runner {

struct ParameterRow {
  std::string key;  // dotted within its struct: "augmentation.noise"
  std::string takes;
  std::string otherwise;  // default; empty for a group and for empty text
  std::string help;
};

class ParameterTable {
 public:
  void number(const char* name, double& option, double min, double max, const char* help);
  void integer(const char* name, int& option, int min, int max, const char* help);
  void seed(const char* name, std::uint64_t& option, const char* help);
  void flag(const char* name, bool& option, const char* help);
  void choice(const char* name, std::string& option, std::initializer_list<const char*> allowed, const char* help);
  void text(const char* name, std::string& option, const char* help);
  void structured(const char* name, std::string& option, const char* help);

  template <class Options>
  void group(const char* name, Options& options, const char* help) {
    add(name, "a map", "", help);
    const std::string outer = prefix_;
    prefix_ += std::string(name) + ".";
    describe(*this, options);
    prefix_ = outer;
  }

  const std::vector<ParameterRow>& rows() const { return rows_; }

 private:
  void add(const char* name, std::string takes, std::string otherwise, const char* help);

  std::string prefix_;
  std::vector<ParameterRow> rows_;
};

/// Defaults are those of a default-constructed struct.
template <class Options>
std::vector<ParameterRow> parameter_rows() {
  Options options;
  ParameterTable table;
  describe(table, options);
  return table.rows();
}

/// A Markdown table, its first three columns padded so that it reads as plain text, too.
std::string markdown_table(const std::vector<ParameterRow>& rows);

}  // namespace crossfade::runner
