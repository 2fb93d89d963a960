#include "data/labels/classes.hpp"

#include <algorithm>
#include <string_view>

#include "data/labels/structures.hpp"

namespace crossfade::data {
namespace {

Classes with_twins_by_name() {
  Classes classes{{kStructures.begin(), kStructures.end()}, {}};
  constexpr std::string_view kRight = "Right-";
  for (std::size_t c = 0; c < classes.names.size(); ++c) {
    const std::string_view name = kStructures[c];
    const std::string left = name.starts_with(kRight) ? "Left-" + std::string(name.substr(kRight.size())) : "";
    const auto twin = std::ranges::find(classes.names, left);
    classes.left_twin.push_back(static_cast<std::uint8_t>(twin == classes.names.end() ? static_cast<std::ptrdiff_t>(c)
                                                                                      : twin - classes.names.begin()));
  }
  return classes;
}

}  // namespace

const Classes& brain_classes() {
  static const Classes classes = with_twins_by_name();
  return classes;
}

std::string class_difference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  if (in_a == a.end() && in_b == b.end()) return "";
  if (in_a == a.end() || in_b == b.end())
    return std::to_string(a.size()) + " classes against " + std::to_string(b.size());
  return "class " + std::to_string(in_a - a.begin()) + " is " + *in_a + " against " + *in_b;
}

}  // namespace crossfade::data
