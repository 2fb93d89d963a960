// What data a net was trained on, as its checkpoint says: whoever runs it on other data should know.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "data/shards/shard.hpp"
#include "runner/trial/checkpoint.hpp"

namespace crossfade::runner {

struct TrainedOn {
  std::array<int, 2> slice{};        // height and width of whole slices in pixels
  std::array<double, 3> voxel_mm{};  // along height, width and between slices
  std::string plane;                 // "axial", "coronal" or "sagittal"
  std::vector<std::string> classes;  // names, in the order of the net's outputs; "None" first
};

TrainedOn trained_on(const data::ShardInfo& info);

/// Stores it as metadata "data" of a checkpoint, JSON.
void save_trained_on(const TrainedOn& data, TensorFile& file);

/// Nothing for a checkpoint of before, which does not say. Throws std::exception for what save_trained_on() did not
/// write.
std::optional<TrainedOn> trained_on(const TensorFile& file);

/// "voxels of 8 x 8 x 8 mm against 4 x 4 x 4 mm, ..." of all in which `net` and `data` differ; empty where they agree
/// (voxel sizes to 1e-3 of them).
std::string differences(const TrainedOn& net, const TrainedOn& data);

}  // namespace crossfade::runner
