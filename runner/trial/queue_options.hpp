#pragma once

namespace crossfade::runner {

/// How steps are queued; changes no result.
struct QueueOptions {
  int read_every = 0;  // steps whose results are read back together; 0: steps_between_reads()
  bool graph = false;  // record the device's part of a step as a CUDA graph, in a group of one; on a CPU: as if
};

}  // namespace crossfade::runner
