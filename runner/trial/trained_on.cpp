#include "runner/trial/trained_on.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/labels/structures.hpp"

namespace crossfade::runner {

// Found by argument-dependent lookup, so not in the unnamed namespace.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrainedOn, slice, voxel_mm, plane, classes)

namespace {

constexpr const char* kKey = "data";

template <class Numbers>
std::string times(const Numbers& numbers) {
  std::ostringstream text;
  text.precision(4);
  for (std::size_t n = 0; n < numbers.size(); ++n) text << (n > 0 ? " x " : "") << numbers[n];
  return text.str();
}

/// The first class that differs, or how many there are.
std::string class_difference(const std::vector<std::string>& net, const std::vector<std::string>& data) {
  const auto [a, b] = std::ranges::mismatch(net, data);
  if (a == net.end() && b == data.end()) return "";
  if (a == net.end() || b == data.end())
    return std::to_string(net.size()) + " classes against " + std::to_string(data.size());
  return "class " + std::to_string(a - net.begin()) + " is " + *a + " against " + *b;
}

}  // namespace

TrainedOn trained_on(const data::ShardInfo& info) {
  const std::array<double, 3> spacing = info.grid.spacing();
  TrainedOn data{{info.height(), info.width()}, {spacing[1], spacing[0], spacing[2]}, info.plane, {}};
  for (const std::string_view name : data::kStructures) data.classes.emplace_back(name);
  return data;
}

void save_trained_on(const TrainedOn& data, TensorFile& file) {
  file.metadata[kKey] = nlohmann::json(data).dump();
}

std::optional<TrainedOn> trained_on(const TensorFile& file) {
  const auto found = file.metadata.find(kKey);
  if (found == file.metadata.end()) return std::nullopt;
  return nlohmann::json::parse(found->second).get<TrainedOn>();
}

std::string differences(const TrainedOn& net, const TrainedOn& data) {
  std::string text;
  const auto add = [&](const std::string& what) { text += (text.empty() || what.empty() ? "" : ", ") + what; };
  const auto differ = [](double a, double b) { return !(std::abs(a - b) <= 1e-3 * a); };
  if (!std::ranges::equal(net.voxel_mm, data.voxel_mm, std::not_fn(differ)))
    add("voxels of " + times(net.voxel_mm) + " mm against " + times(data.voxel_mm) + " mm");
  if (net.slice != data.slice) add("slices of " + times(net.slice) + " pixels against " + times(data.slice));
  if (net.plane != data.plane) add(net.plane + " slices against " + data.plane + " ones");
  add(class_difference(net.classes, data.classes));
  return text;
}

}  // namespace crossfade::runner
