#include "data/instruction_level.hpp"
#include "data/philox.hpp"

namespace crossfade::data {

extern const PhiloxKernel kKernelsOfBaseline;
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
extern const PhiloxKernel kKernelsOfV3, kKernelsOfV4;
#endif

const std::vector<const PhiloxKernel*>& philox_kernels() {
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
  static const auto kernels = runnable(kKernelsOfV4, kKernelsOfV3, kKernelsOfBaseline);
#else
  static const std::vector<const PhiloxKernel*> kernels = {&kKernelsOfBaseline};
#endif
  return kernels;
}

}  // namespace crossfade::data
