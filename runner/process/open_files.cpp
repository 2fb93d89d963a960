#include "runner/process/open_files.hpp"

#include <sys/resource.h>

namespace crossfade::runner {

void allow_open_files() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace crossfade::runner
