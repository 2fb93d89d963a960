#include "runner/process/memory.hpp"

#include <malloc.h>

namespace crossfade::runner {

void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

}  // namespace crossfade::runner
