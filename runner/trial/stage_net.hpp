// The net of a stage: as it begins, and as it was best.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "data/shards/shard.hpp"
#include "model/network.hpp"
#include "runner/grid/config.hpp"
#include "runner/ranks/group.hpp"
#include "runner/trial/state.hpp"

namespace crossfade::runner {

/// The folder of a stage's checkpoints, by its hash: trials whose leading stages are the same share them.
std::filesystem::path stage_folder(const std::filesystem::path& checkpoints, const std::string& hash);

/// In it: the net of the best epoch.
std::filesystem::path best_file(const std::filesystem::path& checkpoints, const std::string& hash);

/// The trial's net as it begins, for shards like `data`, where and how it is trained.
std::shared_ptr<model::Network> network_of(const TrialConfig& config, const data::ShardInfo& data,
                                           torch::Device device);

/// Parameters and buffers from group rank 0. Collective.
void broadcast(const model::Network& network, Group& group);

/// Puts the best net of the stage with this hash into `network` on every rank, read by group rank 0. Returns where the
/// trial stood then, or nothing where there is no best checkpoint. Collective.
std::optional<Position> restore_best(const std::filesystem::path& checkpoints, const std::string& hash,
                                     model::Network& network, Group& group);

}  // namespace crossfade::runner
