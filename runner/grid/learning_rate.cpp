#include "runner/grid/learning_rate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace crossfade::runner {

double learning_rate(const OptimizerOptions& options, double progress) {
  if (progress < options.warmup) return options.lr * progress / options.warmup;
  if (options.lr_schedule == "step") {
    // The slack keeps a step at progress 2/3 in its place when 2/3 and step_every are both rounded.
    return options.lr * std::pow(options.step_factor, std::floor(progress / options.step_every + 1e-9));
  }
  if (options.lr_schedule == "cosine") {
    const double done = (progress - options.warmup) / (1 - options.warmup);
    return options.lr * (options.lr_end + (1 - options.lr_end) * (1 + std::cos(std::numbers::pi * done)) / 2);
  }
  return options.lr;
}

double last_change(const OptimizerOptions& options) {
  if (options.lr_schedule == "cosine") return 1;
  if (options.lr_schedule != "step") return options.warmup;
  const double last_step = std::ceil(1 / options.step_every - 1e-9) - 1;  // the one at 1 would change nothing
  return std::max(options.warmup, last_step * options.step_every);
}

}  // namespace crossfade::runner
