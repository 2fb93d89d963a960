#include "data/labels/label_report.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace crossfade::data {
namespace {

/// "2 ids: 502 (1234 voxels), 506 (99 voxels)", commonest first, at most five.
std::string list_of(const IdCounts& counts) {
  std::vector<std::pair<std::int32_t, std::uint64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text = std::to_string(sorted.size()) + (sorted.size() == 1 ? " id: " : " ids: ");
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < std::min(sorted.size(), kShown); ++i)
    text +=
        (i > 0 ? ", " : "") + std::to_string(sorted[i].first) + " (" + std::to_string(sorted[i].second) + " voxels)";
  return sorted.size() > kShown ? text + ", ..." : text;
}

}  // namespace

bool is_named(const LabelTable& table, std::int32_t id) {
  if (const auto found = table.class_of.find(id); found != table.class_of.end()) return found->second > 0;
  return std::any_of(table.to_nearest.begin(), table.to_nearest.end(), [&](const auto& line) { return line.id == id; });
}

std::string label_report(const LabelTable& table, const IdCounts& unnamed, const IdCounts& cut) {
  std::string text;
  if (!unnamed.empty()) text += "; not named by label table " + table.name + ", so class 0: " + list_of(unnamed);
  IdCounts lost;
  for (const auto& [id, count] : cut)
    if (is_named(table, id)) lost[id] = count;
  if (!lost.empty()) text += "; outside the field of view of 256 mm: " + list_of(lost);
  return text;
}

}  // namespace crossfade::data
