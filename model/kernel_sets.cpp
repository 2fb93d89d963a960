#include "data/instruction_level.hpp"
#include "model/channel_kernels.hpp"
#include "model/weight_gradient_kernels.hpp"

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

namespace weight_gradient {
extern const WeightGradientKernels kKernelsOfBaseline;
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
extern const WeightGradientKernels kKernelsOfV3, kKernelsOfV4;
#endif
}  // namespace weight_gradient

const std::vector<const WeightGradientKernels*>& weight_gradient_kernel_sets() {
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
  static const auto sets =
      data::runnable(weight_gradient::kKernelsOfV4, weight_gradient::kKernelsOfV3, weight_gradient::kKernelsOfBaseline);
#else
  static const std::vector<const WeightGradientKernels*> sets = {&weight_gradient::kKernelsOfBaseline};
#endif
  return sets;
}

}  // namespace crossfade::model
