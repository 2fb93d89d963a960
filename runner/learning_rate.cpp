#include "runner/learning_rate.hpp"

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

}  // namespace crossfade::runner
