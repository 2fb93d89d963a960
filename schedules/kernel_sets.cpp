#include "schedules/pixel_kernels.hpp"

namespace crossfade::schedules {

extern const KernelSet kKernelsOfBaseline;
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
extern const KernelSet kKernelsOfV3, kKernelsOfV4;

namespace {

// What tells the levels from those below; no machine has these and lacks the rest (F16C, LZCNT, MOVBE).
bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}
bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

}  // namespace
#endif

const std::vector<const KernelSet*>& kernel_sets() {
  static const std::vector<const KernelSet*> sets = [] {
    std::vector<const KernelSet*> known;
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
    if (has_v4()) known.push_back(&kKernelsOfV4);
    if (has_v3()) known.push_back(&kKernelsOfV3);
#endif
    known.push_back(&kKernelsOfBaseline);
    return known;
  }();
  return sets;
}

}  // namespace crossfade::schedules
