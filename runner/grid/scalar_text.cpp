#include "runner/grid/scalar_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace crossfade::runner {
namespace {

template <class Number>
std::optional<Number> parse_whole(const std::string& text) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';  // from_chars knows no plus sign
  const char* begin = text.data() + (plus ? 1 : 0);
  const char* end = text.data() + text.size();
  Number value{};
  const auto [stopped, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> parse_number(const std::string& text) {
  const auto value = parse_whole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;  // from_chars takes "inf" and "nan"
}

std::optional<std::int64_t> parse_integer(const std::string& text) {
  return parse_whole<std::int64_t>(text);
}

std::string number_text(double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::general).ptr;
  return {digits.data(), end};
}

}  // namespace crossfade::runner
