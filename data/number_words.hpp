// Numbers as a person reads them.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>

namespace crossfade::data {

/// At most so many significant digits, no zeros behind them: "0.1667", "1e-05".
inline std::string significant(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

/// "1 core", "2 cores".
template <class Integer>
std::string counted(Integer number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

/// "05:09", "1:02:03"; what is below 0 counts as 0.
inline std::string duration(double seconds) {
  const auto total = static_cast<long>(std::max(0.0, seconds));
  char text[32];
  if (total >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  else
    std::snprintf(text, sizeof text, "%02ld:%02ld", total / 60, total % 60);
  return text;
}

}  // namespace crossfade::data
