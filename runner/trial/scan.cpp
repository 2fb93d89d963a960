#include "runner/trial/scan.hpp"

namespace crossfade::runner {

std::vector<std::uint8_t> read_image(const data::Shard& shard, int scan) {
  std::vector<std::uint8_t> voxels(shard.info().grid.voxels());
  shard.read(scan * shard.info().slices_per_scan(), shard.info().slices_per_scan(), voxels, {});
  return voxels;
}

std::vector<std::uint8_t> read_labels(const data::Shard& shard, int scan, data::LabelKind kind) {
  std::vector<std::uint8_t> voxels(shard.info().grid.voxels());
  shard.read(scan * shard.info().slices_per_scan(), shard.info().slices_per_scan(), {}, voxels, kind);
  return voxels;
}

}  // namespace crossfade::runner
