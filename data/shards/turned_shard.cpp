#include "data/shards/turned_shard.hpp"

#include <algorithm>
#include <stdexcept>

#include "data/shards/plane.hpp"

namespace crossfade::data {
namespace {

/// Turns each scan's volume in place of what it was.
void turn_scans(std::vector<std::uint8_t>& voxels, const Geometry& grid, const Reorientation& reorientation) {
  const std::size_t each = grid.voxels();
  for (std::size_t begin = 0; begin < voxels.size(); begin += each) {
    const auto first = voxels.begin() + static_cast<std::ptrdiff_t>(begin);
    const Volume<std::uint8_t> scan{grid, {first, first + static_cast<std::ptrdiff_t>(each)}};
    std::ranges::copy(reorient(scan, reorientation).voxels, first);
  }
}

ShardContents contents_of(const Shard& shard) {
  ShardContents contents;
  contents.info = shard.info();
  const int slices = contents.info.slices();
  const std::size_t pixels = contents.info.grid.voxels() * contents.info.scans.size();
  contents.images.resize(pixels);
  shard.read(0, slices, contents.images, {});
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
  if (merges_sides(plane))
    for (auto* labels : {&contents.labels, &contents.automatic})
      std::ranges::transform(*labels, labels->begin(), merged_sides);
  info.grid = reorient(info.grid, reorientation);
  info.plane = plane;
  return contents;
}

void turn_shards(const std::filesystem::path& axial, const std::vector<std::string>& subjects,
                 const std::filesystem::path& directory, const std::string& plane) {
  std::filesystem::create_directories(directory);
  for (const std::string& subject : subjects) {
    const std::filesystem::path file = directory / (subject + ".h5");
    if (std::filesystem::exists(file)) continue;
    write_shard(file, turned(contents_of(Shard(axial / (subject + ".h5"))), plane));
  }
}

}  // namespace crossfade::data
