// The learning rate over a stage.
#pragma once

#include "runner/grid/config.hpp"

namespace crossfade::runner {

/// A pure function of `progress` in [0, 1], (step) / (steps of the stage). While progress < warmup it rises linearly
/// from 0; then, with r the rate `lr` and q the part of the rest that is done,
///   constant  r
///   step      r * step_factor^floor(progress / step_every)
///   cosine    r * (lr_end + (1 - lr_end) * (1 + cos(pi q)) / 2)
double learning_rate(const OptimizerOptions& options, double progress);

/// Progress from which on the rate stays as it is; 1 with cosine, which falls to the very end.
double last_change(const OptimizerOptions& options);

}  // namespace crossfade::runner
