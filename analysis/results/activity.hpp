// What a study is at while it runs, as its writer says every few seconds.
#pragma once

#include <cstdint>
#include <string>

namespace crossfade::analysis {

/// One group of ranks, or the program as a whole.
struct ActivityRecord {
  int worker = 0;          // rank of the group's leader
  std::string doing;       // "training", "preparing cohorts", "waiting", ..
  std::int64_t trial = 0;  // id; 0: none
  int stage = 0;           // position of its row of `stage`
  int epoch = 0;           // from 1, of `epochs`
  int epochs = 0;
  std::int64_t step = 0, steps = 0;  // of the stage
  double loss = 0;                   // of the last step
  double images_per_second = 0;
};

}  // namespace crossfade::analysis
