// Which cores a process may run on.
#pragma once

#include <sys/types.h>

#include <vector>

namespace crossfade::data {

/// Of Linux; cores are numbered below it.
inline constexpr int kMostCores = 8192;

/// Numbers of the cores that a process (0: this one) may run on, ascending: what taskset, a container's cpuset, a batch
/// system and the binding of mpirun leave of the machine's. A limit on processor time is not in it. Empty where the
/// kernel doesn't say, as of a process that has ended.
std::vector<int> usable_cores(pid_t process = 0);

}  // namespace crossfade::data
