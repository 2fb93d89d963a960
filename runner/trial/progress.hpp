// What a running trial says of itself.
#pragma once

#include <cstdint>

namespace crossfade::runner {

/// Where a trial stands, for a progress line.
struct TrialProgress {
  int stage = 0;          // of stage_rows()
  int epoch = 0;          // from 1
  int epochs = 0;         // 0: nothing is trained, steps are registrations
  std::int64_t step = 0;  // of the stage
  std::int64_t steps = 0;
  double loss = 0;               // of the last step
  double dice = 0;               // mean validation Dice of the last epoch; 0 before the first
  double images_per_second = 0;  // training, since the epoch began
  double gradient_norm = 0;      // of the last step, before clipping
  double learning_rate = 0;      // that the last step was made with
};

}  // namespace crossfade::runner
