#include "data/shards/turned_shard.hpp"

#include <algorithm>
#include <stdexcept>

#include "data/publish.hpp"
#include "data/shards/plane.hpp"

namespace crossfade::data {
namespace {

/// Turns each scan's volume in place of what it was. `channels`: of [N, C, H, W].
template <class T>
void turn_scans(std::vector<T>& voxels, const Geometry& grid, const Reorientation& reorientation,
                std::size_t channels = 1) {
  const Geometry after = reorient(grid, reorientation);
  const auto slice_of = [](const Geometry& g) {
    return static_cast<std::size_t>(g.size[0]) * static_cast<std::size_t>(g.size[1]);
  };
  const std::size_t each = grid.voxels() * channels, before = slice_of(grid), then = slice_of(after);
  for (std::size_t begin = 0; begin < voxels.size(); begin += each) {
    const std::vector<T> scan(voxels.begin() + static_cast<std::ptrdiff_t>(begin),
                              voxels.begin() + static_cast<std::ptrdiff_t>(begin + each));
    for (std::size_t c = 0; c < channels; ++c) {
      Volume<T> channel{grid, std::vector<T>(grid.voxels())};
      for (std::size_t i = 0; i < channel.voxels.size(); ++i)
        channel.voxels[i] = scan[(i / before * channels + c) * before + i % before];
      channel = reorient(channel, reorientation);
      for (std::size_t i = 0; i < channel.voxels.size(); ++i)
        voxels[begin + (i / then * channels + c) * then + i % then] = channel.voxels[i];
    }
  }
}

ShardContents contents_of(const Shard& shard) {
  ShardContents contents;
  contents.info = shard.info();
  const int slices = contents.info.slices();
  const std::size_t pixels = contents.info.grid.voxels() * contents.info.scans.size();
  if (shard.stores_bytes()) {
    contents.images.resize(pixels);
    shard.read(0, slices, contents.images, {});
  } else {
    contents.values.resize(pixels * contents.info.channels.size());
    shard.read_values(0, slices, contents.values);
  }
  if (contents.info.has_manual) {
    contents.labels.resize(pixels);
    shard.read(0, slices, {}, contents.labels, LabelKind::kManual);
    contents.original_labels = shard.original_labels();
  }
  if (contents.info.has_automatic) {
    contents.automatic.resize(pixels);
    shard.read(0, slices, {}, contents.automatic, LabelKind::kAutomatic);
  }
  return contents;
}

}  // namespace

ShardContents turned(ShardContents contents, const std::string& plane) {
  ShardInfo& info = contents.info;
  if (info.plane != "axial") throw std::invalid_argument("turned: contents are " + info.plane + ", not axial");
  const Reorientation reorientation = reorientation_of(plane);
  for (auto* voxels : {&contents.images, &contents.labels, &contents.automatic})
    turn_scans(*voxels, info.grid, reorientation);
  turn_scans(contents.values, info.grid, reorientation, info.channels.size());
  if (merges_sides(plane))
    for (auto* labels : {&contents.labels, &contents.automatic})
      std::ranges::transform(*labels, labels->begin(),
                             [&](std::uint8_t label) { return merged_sides(info.classes, label); });
  info.sides_merged = merges_sides(plane);
  info.grid = reorient(info.grid, reorientation);
  info.plane = plane;
  return contents;
}

void turn_shards(const std::filesystem::path& axial, const std::vector<std::string>& subjects,
                 const std::filesystem::path& directory, const std::string& plane) {
  make_folders(directory);
  remove_partials(directory);
  for (const std::string& subject : subjects) {
    const std::filesystem::path file = directory / (subject + ".h5");
    if (std::filesystem::exists(file)) continue;
    write_shard(file, turned(contents_of(Shard(axial / (subject + ".h5"))), plane));
  }
}

}  // namespace crossfade::data
