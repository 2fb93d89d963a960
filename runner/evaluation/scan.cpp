#include "runner/evaluation/scan.hpp"

#include <algorithm>

namespace crossfade::runner {

std::vector<std::uint8_t> read_image(const data::Shard& shard, int scan) {
  const data::ShardInfo& info = shard.info();
  const int slices = info.slices_per_scan();
  std::vector<std::uint8_t> voxels(info.grid.voxels());
  if (shard.stores_bytes()) {
    shard.read(scan * slices, slices, voxels, {});
    return voxels;
  }
  const std::size_t channels = info.channels.size(),
                    slice = static_cast<std::size_t>(info.width()) * static_cast<std::size_t>(info.height());
  std::vector<float> values(voxels.size() * channels);
  shard.read_values(scan * slices, slices, values);
  const data::ChannelIntensities& first = info.scans.at(static_cast<std::size_t>(scan)).channels.front();
  const double range = std::max(first.high - first.low, 1e-30);
  for (std::size_t i = 0; i < voxels.size(); ++i) {
    const double value = static_cast<double>(values[i / slice * channels * slice + i % slice]);
    voxels[i] = static_cast<std::uint8_t>(std::clamp((value - first.low) / range, 0.0, 1.0) * 255 + 0.5);
  }
  return voxels;
}

std::vector<std::uint8_t> read_labels(const data::Shard& shard, int scan, data::LabelKind kind) {
  std::vector<std::uint8_t> voxels(shard.info().grid.voxels());
  shard.read(scan * shard.info().slices_per_scan(), shard.info().slices_per_scan(), {}, voxels, kind);
  return voxels;
}

}  // namespace crossfade::runner
