// Numbers to text and back, strictly and without regard to the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace crossfade::runner {

/// The whole of `text` as a finite number ("1e-3", ".5", "+2"), or nothing ("1e-3abc", "nan", "inf", "0x10", "", " 1").
std::optional<double> parse_number(const std::string& text);

/// The whole of `text` as an integer, or nothing ("3.0", "1e3").
std::optional<std::int64_t> parse_integer(const std::string& text);

/// The shortest text that reads back as the same number: "0.001", "1e-05".
std::string number_text(double value);

}  // namespace crossfade::runner
