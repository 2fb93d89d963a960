// A trial with nets of several planes: each is trained as a trial of its own plane, then they vote.
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

/// Collective over `group`. Trains the net of each view of `config` on its part of `planes` (views_of() has the order)
/// and scores their vote after each stage; a trial with the axial view alone is just run_trial(). `hashes`,
/// `shared` (or empty), and the stage that events speak of, are those of stage_rows(). A stage of which some net has no
/// checkpoint scores as a net that finds nothing. Otherwise as run_trial().
TrialOutcome run_views(const TrialConfig& config, const std::vector<std::string>& hashes,
                       const std::vector<std::vector<StageData>>& planes, Group& group,
                       const std::filesystem::path& checkpoints, const TrialEvents& events,
                       const std::vector<SharedStage>& shared = {});

}  // namespace crossfade::runner
