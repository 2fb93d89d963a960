// One trial, by the ranks of one group: training, validation each epoch, test at the best checkpoint.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/ranks/group.hpp"
#include "runner/trial/branches.hpp"
#include "runner/trial/stage_data.hpp"
#include "runner/trial/trial_events.hpp"

namespace crossfade::runner {

/// Collective over `group`. `hashes` are those of the stages, from stage_hashes(); `shared` is of each stage, or empty:
/// nothing is; `owner` is the hash of the trial, where that is not its last stage's. Each stage keeps last.safetensors
/// and best.safetensors in its folder below `checkpoints`; the trial goes on from the last stage that has one, or from
/// the last branch that is there, trained by this trial or by another, says the epochs and results behind it again, and
/// begins otherwise. An interrupted trial has written its state at the step it stopped at. Wherever it goes on, it ends
/// bit for bit as if it had trained all by itself; but a term that was not evaluated then is NaN in the epochs that it
/// takes over, and their seconds count as shared. A loss or gradient that is not finite ends the trial as finished,
/// with the reason in its StageResult. Throws AgreedError where the data or the disk are at fault; the group is then
/// ready for another trial. So it is after any error of a group of one; in a larger one, another error (out of memory
/// in a step, say) leaves the others waiting in a collective, and the world must be ended.
TrialOutcome run_trial(const TrialConfig& config, const std::vector<std::string>& hashes,
                       const std::vector<StageData>& stages, Group& group, const std::filesystem::path& checkpoints,
                       const TrialEvents& events, const std::vector<SharedStage>& shared = {},
                       const std::string& owner = {});

}  // namespace crossfade::runner
