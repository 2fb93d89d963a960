#include "data/cores.hpp"

#include <sched.h>

#include <cstddef>
#include <memory>

namespace crossfade::data {

std::vector<int> usable_cores(pid_t process) {
  const auto release = [](cpu_set_t* set) { CPU_FREE(set); };
  const std::unique_ptr<cpu_set_t, decltype(release)> set(CPU_ALLOC(kMostCores), release);
  const std::size_t bytes = CPU_ALLOC_SIZE(kMostCores);
  std::vector<int> cores;
  if (!set || sched_getaffinity(process, bytes, set.get()) != 0) return cores;
  for (int core = 0; core < kMostCores; ++core) {
    if (CPU_ISSET_S(static_cast<std::size_t>(core), bytes, set.get())) cores.push_back(core);
  }
  return cores;
}

}  // namespace crossfade::data
