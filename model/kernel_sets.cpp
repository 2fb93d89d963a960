#include "data/instruction_level.hpp"
#include "model/channel_kernels.hpp"

namespace crossfade::model {

extern const ChannelKernelSet kKernelsOfBaseline;
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
extern const ChannelKernelSet kKernelsOfV3, kKernelsOfV4;
#endif

const std::vector<const ChannelKernelSet*>& channel_kernel_sets() {
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
  static const auto sets = data::runnable(kKernelsOfV4, kKernelsOfV3, kKernelsOfBaseline);
#else
  static const std::vector<const ChannelKernelSet*> sets = {&kKernelsOfBaseline};
#endif
  return sets;
}

}  // namespace crossfade::model
