// What --dry-run=measure prints: how long a study takes here, by a few steps of each kind of its training.
#pragma once

#include "runner/grid/config.hpp"
#include "runner/ranks/communicator.hpp"
#include "runner/study/study.hpp"

namespace crossfade::runner {

/// Collective over the world. Prepares the cohorts, as the study itself would, takes some steps of each kind of
/// training (trials of one net, loss terms, cohort, batch, ..), all groups side by side as they would be, predicts some
/// slices, scores a subject; and prints on standard output what that comes to for all trials, and what stays on disk.
/// Writes no results. Atlases, and the search that a grid has, are left out. Throws as run_study().
void measure_study(World& world, const Study& study, const StudyOptions& options);

}  // namespace crossfade::runner
