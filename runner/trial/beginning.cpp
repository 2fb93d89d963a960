#include "runner/trial/beginning.hpp"

#include <exception>
#include <utility>

#include "runner/trial/patience.hpp"
#include "runner/trial/stage_net.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

Beginning beginning_in(TensorFile contents, const TrialWay& way) {
  Beginning beginning;
  beginning.position = position_from_json(contents.text("position"));
  const auto epochs = contents.metadata.find("epochs");
  if (epochs != contents.metadata.end()) beginning.epochs = epochs_from_json(epochs->second);
  const auto owner = contents.metadata.find("owner");
  if (owner != contents.metadata.end() && owner->second != way.owner) {
    for (analysis::EpochRecord& epoch : beginning.epochs)
      epoch.seconds_shared = epoch.seconds_train + epoch.seconds_validate;
    beginning.position.sums.seconds_shared = beginning.position.sums.seconds_train;
  }
  beginning.contents = std::move(contents);
  return beginning;
}

/// The trial's patience may have run out before that of whoever came further. False: the best net there was by then is
/// no longer kept.
bool end_where_patience_did(const StageOptions& stage, Beginning& beginning) {
  Position& position = beginning.position;
  Position until;  // after each epoch
  for (const analysis::EpochRecord& epoch : beginning.epochs) {
    until.add_epoch(epoch.validation.mean);
    const bool further = position.epoch > until.epoch || position.step > 0;
    if (!further || !out_of_patience(stage, until)) continue;
    if (position.best_epoch > until.epoch) return false;
    until.stage = position.stage;
    until.optimizer_steps = position.optimizer_steps;
    position = until;
    beginning.epochs.resize(static_cast<std::size_t>(until.epoch));
    break;
  }
  return true;
}

void write_as_own(TensorFile file, const fs::path& name, const TrialWay& way, std::size_t stage) {
  file.metadata["trial"] = way.hashes[stage];
  file.metadata["variant"] = way.config.variant;
  file.metadata["owner"] = way.owner;
  write_tensors(stage_folder(way.checkpoints, way.hashes[stage]) / name, file);
}

struct ReadBranch {
  Beginning beginning;
  std::optional<TensorFile> best;
};

bool is_further(const Position& position, const Position& than) {
  return std::pair(position.epoch, position.step) > std::pair(than.epoch, than.step);
}

/// Nothing where the branch is not there, is of no use, or no further than `than`, where the trial stands by itself.
std::optional<ReadBranch> read_branch(const TrialWay& way, std::size_t stage, const std::string& key,
                                      const Position& than) {
  const fs::path file = branch_file(way.checkpoints, key), best = branch_best(way.checkpoints, key);
  if (!fs::exists(file)) return std::nullopt;
  if (!is_further(position_from_json(read_metadata(file).text("position")), than)) return std::nullopt;
  ReadBranch branch{.beginning = beginning_in(read_tensors(file), way), .best = {}};
  if (branch.beginning.contents.text("trial") != key) return std::nullopt;
  if (!end_where_patience_did(way.config.stages[stage], branch.beginning)) return std::nullopt;
  if (!is_further(branch.beginning.position, than)) return std::nullopt;
  if (branch.beginning.position.best_epoch > 0) {
    if (!fs::exists(best)) return std::nullopt;
    branch.best = read_tensors(best);
    if (best_epoch_of(*branch.best) != branch.beginning.position.best_epoch) return std::nullopt;  // from behind it
  }
  return branch;
}

/// Nothing also where the branch is damaged: a trial can do without.
std::optional<Beginning> take_over(const TrialWay& way, std::size_t stage, const std::string& key, const Position& than,
                                   const std::function<void(const std::string&)>& warn) {
  std::optional<ReadBranch> branch;
  try {
    branch = read_branch(way, stage, key, than);
  } catch (const std::exception& error) {
    if (warn)
      warn("branch " + branch_file(way.checkpoints, key).string() + " can't be begun from by '" + way.config.variant +
           "', which begins from an earlier step: " + error.what());
  }
  if (!branch) return std::nullopt;
  Beginning& beginning = branch->beginning;
  if (branch->best) write_as_own(std::move(*branch->best), "best.safetensors", way, stage);
  beginning.contents.metadata["position"] = to_json(beginning.position);
  beginning.contents.metadata["epochs"] = to_json(beginning.epochs);
  write_as_own(beginning.contents, "last.safetensors", way, stage);
  return std::move(beginning);
}

/// The best nets of the stages before, which are scored again: of a run with --no-share they have other names.
bool has_nets_before(const TrialWay& way, std::size_t stage) {
  for (std::size_t before = 0; before < stage; ++before)
    if (!fs::exists(best_file(way.checkpoints, way.hashes[before]))) return false;
  return true;
}

}  // namespace

int best_epoch_of(const TensorFile& net) {
  return position_from_json(net.text("position")).best_epoch;
}

std::optional<Beginning> last_of(const TrialWay& way, std::size_t stage) {
  const fs::path file = stage_folder(way.checkpoints, way.hashes[stage]) / "last.safetensors";
  if (!fs::exists(file)) return std::nullopt;
  TensorFile contents = read_tensors(file);
  if (contents.text("trial") != way.hashes[stage]) return std::nullopt;
  return beginning_in(std::move(contents), way);
}

std::optional<Beginning> find_beginning(const TrialWay& way, const std::function<void(const std::string&)>& warn) {
  for (std::size_t stage = way.hashes.size(); stage-- > 0;) {
    if (!has_nets_before(way, stage)) continue;
    auto last = last_of(way, stage);
    const Position own = last ? last->position : Position{};
    const std::vector<Branch>& branches = way.shared[stage].branches;
    for (auto branch = branches.rbegin(); branch != branches.rend(); ++branch)
      if (auto beginning = take_over(way, stage, branch->key, own, warn)) return beginning;
    if (last) return last;
  }
  return std::nullopt;
}

}  // namespace crossfade::runner
