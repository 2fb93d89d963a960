// Where something stands in a grid, and the error that says so.
#pragma once

#include <stdexcept>
#include <string>

namespace crossfade::runner {

/// What is wrong with a grid, in one line: "FILE:LINE:COLUMN: unknown key 'epoch' in ..., expected ... (did you mean
/// 'epochs'?)".
struct GridError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Lines and columns count from 1, columns in characters. Line 0 stands for the whole source: a --set has no lines.
struct Place {
  std::string source;  // file name, or "--set PATH=VALUE"
  int line = 0;
  int column = 0;
};

/// "FILE:LINE:COLUMN", or the source alone.
std::string to_string(const Place& place);

/// Throws GridError "PLACE: message".
[[noreturn]] void refuse(const Place& place, const std::string& message);

}  // namespace crossfade::runner
