// Which of the instruction sets that crossfade_kernels() (cmake/Settings.cmake) compiles for this machine can run. Not
// for files that are themselves compiled for one of them: the linker might keep their copy of these functions.
#pragma once

#include <vector>

namespace crossfade::data {

#ifdef CROSSFADE_KERNELS_FOR_LEVELS
/// x86-64-v3, AVX2: what tells it from the level below; no machine has these and lacks the rest (F16C, LZCNT, MOVBE).
inline bool runs_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

/// x86-64-v4, AVX-512.
inline bool runs_v4() {
  return runs_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/// Those of the sets that this machine can run, the best first.
template <class Set>
std::vector<const Set*> runnable(const Set& v4, const Set& v3, const Set& baseline) {
  std::vector<const Set*> sets;
  if (runs_v4()) sets.push_back(&v4);
  if (runs_v3()) sets.push_back(&v3);
  sets.push_back(&baseline);
  return sets;
}
#endif

}  // namespace crossfade::data
