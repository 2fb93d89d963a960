// When a stage ends early.
#pragma once

#include "runner/grid/config.hpp"
#include "runner/trial/state.hpp"

namespace crossfade::runner {

/// Whether validation Dice has not risen for StageOptions::patience epochs, none of them before the last change of a
/// loss weight or the learning rate.
bool out_of_patience(const StageOptions& stage, const Position& position);

}  // namespace crossfade::runner
