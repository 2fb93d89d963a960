#include "data/instruction_level.hpp"
#include "schedules/pixel_kernels.hpp"

namespace crossfade::schedules {

extern const KernelSet kKernelsOfBaseline;
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
extern const KernelSet kKernelsOfV3, kKernelsOfV4;
#endif

const std::vector<const KernelSet*>& kernel_sets() {
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
  static const auto sets = data::runnable(kKernelsOfV4, kKernelsOfV3, kKernelsOfBaseline);
#else
  static const std::vector<const KernelSet*> sets = {&kKernelsOfBaseline};
#endif
  return sets;
}

}  // namespace crossfade::schedules
