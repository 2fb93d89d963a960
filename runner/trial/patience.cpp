#include "runner/trial/patience.hpp"

#include <algorithm>
#include <cmath>

#include "runner/grid/learning_rate.hpp"

namespace crossfade::runner {

bool out_of_patience(const StageOptions& stage, const Position& position) {
  const double last_change = std::max(schedules::last_change(stage.loss), runner::last_change(stage.optimizer));
  const int settled = static_cast<int>(std::ceil(last_change * stage.epochs - 1e-9));
  return stage.patience > 0 && position.epoch - std::max(position.best_epoch, settled) >= stage.patience;
}

}  // namespace crossfade::runner
