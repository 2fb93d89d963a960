// Where a trial goes on: a checkpoint of its own stages, whoever trained them, or a branch that another trial left.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/trial/branches.hpp"
#include "runner/trial/checkpoint.hpp"
#include "runner/trial/state.hpp"

namespace crossfade::runner {

/// A checkpoint and what it has behind it. Seconds that another trial spent are shared.
struct Beginning {
  TensorFile contents;
  Position position;
  std::vector<analysis::EpochRecord> epochs;  // of the stage, as far as they are whole
};

/// A trial's way, as run_trial() has it.
struct TrialWay {
  const TrialConfig& config;
  const std::vector<std::string>& hashes;
  const std::vector<SharedStage>& shared;  // of each stage
  const std::filesystem::path& checkpoints;
  const std::string& owner;  // hash of the trial, by which its checkpoints are its own
};

/// The epoch of a stage that a best.safetensors is of.
int best_epoch_of(const TensorFile& net);

/// What last.safetensors of a stage has; nothing where there is none. Throws std::runtime_error naming a file that
/// can't be read.
std::optional<Beginning> last_of(const TrialWay& way, std::size_t stage);

/// The checkpoint that is furthest on the trial's way: of the latest stage that has any, and the best nets of all
/// stages before it, its own last, or the deepest branch that is further, which becomes the stage's last and best. A
/// trial that would have run out of patience before the branch ends where it would have. A branch that can't be read is
/// passed, of which `warn` is told, unless it is empty. Throws as last_of().
std::optional<Beginning> find_beginning(const TrialWay& way, const std::function<void(const std::string&)>& warn);

}  // namespace crossfade::runner
