// A trial without a net: each test subject is labelled by the training subjects, as atlases.
#pragma once

#include <filesystem>
#include <string>

#include "runner/grid/config.hpp"
#include "runner/ranks/group.hpp"
#include "runner/trial/stage_data.hpp"
#include "runner/trial/trial_events.hpp"

namespace crossfade::runner {

/// Collective over `group`. Registers the atlases (scan `first_scan` of each training subject) to each test subject,
/// each rank `threads` at a time, fuses their labels and scores them: one stage, without epochs or validation. What
/// was registered lies in the folder `registrations` (see registration_cache.hpp), so an interrupted trial goes on from
/// there. The seconds of a subject are those of its registrations, when they were made, and of the fusion. `hash`: of
/// the stage. Otherwise as run_trial().
TrialOutcome run_atlases(const TrialConfig& config, const std::string& hash, const StageData& data, Group& group,
                         const std::filesystem::path& registrations, int threads, const TrialEvents& events);

}  // namespace crossfade::runner
