// What data a net was trained on, as its checkpoint says: whoever runs it on other data should know.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "data/shards/shard.hpp"
#include "runner/trial/checkpoint.hpp"

namespace crossfade::runner {

/// Checkpoints of before lack what stands from `cube` on: their nets saw one channel by rule t1 and a built-in table.
struct TrainedOn {
  std::array<int, 2> slice{};        // height and width of whole slices in pixels
  std::array<double, 3> voxel_mm{};  // along height, width and between slices; 0: each subject's own
  std::string plane;                 // "axial", "coronal" or "sagittal"
  std::vector<std::string> classes;  // names, in the order of the net's outputs; "None" or "background" first
  int cube = 0;                      // pixels along each side of the cube of 256 mm that was cut into slices; 0: none
  std::string intensity = "t1";      // rule of data/shards/intensity.hpp
  std::vector<data::Standard> standards;  // of rule ct, by channel
  std::vector<std::string> channels = {"image"};
  std::string label_table;       // whose ids predictions have
  data::OwnClasses own_classes;  // that table, where it is a cohort's own
};

/// `standards`: of rule ct, what shards of this kind are standardised by.
TrainedOn trained_on(const data::ShardInfo& info, std::vector<data::Standard> standards = {});
TrainedOn trained_on(const data::Shard& shard);

/// Stores it as metadata "data" of a checkpoint, JSON.
void save_trained_on(const TrainedOn& data, TensorFile& file);

/// Nothing for a checkpoint of before, which does not say. Throws std::exception for what save_trained_on() did not
/// write.
std::optional<TrainedOn> trained_on(const TensorFile& file);

/// How the channels that a net was trained on differ from those of other data: their number, or the order of the same
/// names. Empty where they agree, or have other names, which may well mean the same.
std::string channel_difference(const std::vector<std::string>& net, const std::vector<std::string>& data);

/// "voxels of 8 x 8 x 8 mm against 4 x 4 x 4 mm, ..." of all in which `net` and `data` differ; empty where they agree
/// (voxel sizes to 1e-3 of them; those of rule ct are the net's own, whatever the data).
std::string differences(const TrainedOn& net, const TrainedOn& data);

}  // namespace crossfade::runner
