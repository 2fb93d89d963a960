#include "runner/trial/trained_on.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runner/grid/spelling.hpp"

namespace crossfade::data {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Standard, low, high, mean, sd)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(OwnClasses, classes, pairs, ignore)

}  // namespace crossfade::data

namespace crossfade::runner {

// Found by argument-dependent lookup, so not in the unnamed namespace.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TrainedOn, slice, voxel_mm, plane, classes, cube, intensity, standards,
                                                channels, label_table, own_classes)

namespace {

constexpr const char* kKey = "data";

template <class Numbers>
std::string times(const Numbers& numbers) {
  std::ostringstream text;
  text.precision(4);
  for (std::size_t n = 0; n < numbers.size(); ++n) text << (n > 0 ? " x " : "") << numbers[n];
  return text.str();
}

}  // namespace

TrainedOn trained_on(const data::Shard& shard) {
  return trained_on(shard.info(), shard.info().intensity == "ct" ? shard.standards(0) : std::vector<data::Standard>());
}

TrainedOn trained_on(const data::ShardInfo& info, std::vector<data::Standard> standards) {
  const std::array<double, 3>& mm = info.grid_mm;
  return {.slice = {info.height(), info.width()},
          .voxel_mm = {mm[1], mm[0], mm[2]},
          .plane = info.plane,
          .classes = info.classes.names,
          .cube = info.cube,
          .intensity = info.intensity,
          .standards = std::move(standards),
          .channels = info.channels,
          .label_table = info.label_table,
          .own_classes = info.own_classes};
}

void save_trained_on(const TrainedOn& data, TensorFile& file) {
  file.metadata[kKey] = nlohmann::json(data).dump();
}

std::optional<TrainedOn> trained_on(const TensorFile& file) {
  const auto found = file.metadata.find(kKey);
  if (found == file.metadata.end()) return std::nullopt;
  const auto json = nlohmann::json::parse(found->second);
  auto data = json.get<TrainedOn>();
  const auto fills = [&](std::size_t axis, int pixels) { return std::abs(data.voxel_mm[axis] * pixels - 256) < 0.01; };
  const bool is_cube =
      data.slice[0] == data.slice[1] && fills(0, data.slice[0]) && fills(1, data.slice[0]) && fills(2, data.slice[0]);
  if (!json.contains("cube") && is_cube) data.cube = data.slice[0];  // all there was before
  return data;
}

std::string channel_difference(const std::vector<std::string>& net, const std::vector<std::string>& data) {
  if (net.size() != data.size()) return std::to_string(net.size()) + " channels against " + std::to_string(data.size());
  if (net != data && std::ranges::is_permutation(net, data))
    return "channels " + joined(net) + " against " + joined(data);
  return {};
}

std::string differences(const TrainedOn& net, const TrainedOn& data) {
  std::string text;
  const auto add = [&](const std::string& what) { text += (text.empty() || what.empty() ? "" : ", ") + what; };
  const auto differ = [](double a, double b) { return a > 0 && b > 0 && !(std::abs(a - b) <= 1e-3 * a); };
  if (!std::ranges::equal(net.voxel_mm, data.voxel_mm, std::not_fn(differ)))
    add("voxels of " + times(net.voxel_mm) + " mm against " + times(data.voxel_mm) + " mm");
  if (net.cube != data.cube && net.slice == data.slice)
    add(net.cube > 0 ? "slices over 256 mm against a grid of its own" : "a grid of its own against slices over 256 mm");
  if (net.slice != data.slice) add("slices of " + times(net.slice) + " pixels against " + times(data.slice));
  if (net.plane != data.plane) add(net.plane + " slices against " + data.plane + " ones");
  if (net.intensity != data.intensity) add("intensity " + net.intensity + " against " + data.intensity);
  add(channel_difference(net.channels, data.channels));
  add(data::class_difference(net.classes, data.classes));
  return text;
}

}  // namespace crossfade::runner
