#include "model/convolution.hpp"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <torch/autograd.h>
#include <torch/utils.h>

#include <algorithm>
#include <vector>

#include "data/instruction_level.hpp"
#include "model/kernel_dispatch.hpp"
#include "model/weight_gradient_kernels.hpp"

#ifndef _OPENMP
#error "at::parallel_for would run on one thread: name this file in crossfade_parallel()"
#endif

namespace crossfade::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;
constexpr std::int64_t kFewestChannels = 16;  // of one vector a tile has too few sums to keep the machine busy

bool can_be_ours(const torch::Tensor& x, const torch::Tensor& weight) {
  return takes_kernels(x) && x.scalar_type() == torch::kFloat32 && weight.scalar_type() == torch::kFloat32 &&
         x.size(0) > 0 && x.size(1) >= kFewestChannels;
}

class Convolve : public torch::autograd::Function<Convolve> {
 public:
  /// `x` is input.values, whose gradient this returns. `bias`: without elements where there is none, as a Function
  /// takes no undefined tensor. `ours`: the gradients of the weights are computed here.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const Activation& input,
                               const torch::Tensor& weight, const torch::Tensor& bias, bool ours) {
    save(context, input, weight);
    context->saved_data["ours"] = ours;
    const bool with_bias = bias.numel() > 0;
    context->saved_data["bias"] = with_bias;
    const std::int64_t pad = weight.size(2) / 2;
    return at::conv2d(x, weight, with_bias ? bias : torch::Tensor(), /*stride=*/1, pad);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const Saved saved = restore(context);
    const torch::Tensor &x = saved.x, &weight = saved.weight;
    const torch::Tensor dy = outer[0].contiguous(kLast);
    const bool ours = context->saved_data["ours"].toBool(), with_bias = context->saved_data["bias"].toBool();
    const auto theirs = [&](std::array<bool, 3> wanted) {
      const std::int64_t pad = weight.size(2) / 2, channels = weight.size(0);
      return at::convolution_backward(dy, x, weight, with_bias ? at::OptionalIntArrayRef(channels) : std::nullopt,
                                      {1, 1}, {pad, pad}, {1, 1}, /*transposed=*/false, {0, 0}, /*groups=*/1, wanted);
    };
    const bool of_x = context->needs_input_grad(0);
    if (!ours) {
      auto [dx, d_weight, d_bias] = theirs({of_x, true, with_bias});
      return {dx, {}, d_weight, d_bias, {}};
    }
    const torch::Tensor dx = of_x ? std::get<0>(theirs({true, false, false})) : torch::Tensor();
    const WeightGradient gradient = weight_gradient(x, dy, weight.size(2));
    return {dx, {}, gradient.weight, with_bias ? gradient.bias : torch::Tensor(), {}};
  }
};

}  // namespace

bool prefers_own_weight_gradient() {
#ifdef CROSSFADE_KERNELS_FOR_LEVELS
  static const bool prefers = data::runs_v3() && !data::runs_v4();
  return prefers;
#else
  return false;
#endif
}

torch::Tensor convolve(torch::nn::Conv2d& convolution, const Activation& input, bool own_gradient) {
  const torch::Tensor& x = input.values;
  const bool autocast = at::autocast::is_autocast_enabled(at::kCPU);
  const bool is_cast = !autocast || x.scalar_type() == at::autocast::get_autocast_dtype(at::kCPU);
  const bool ours = own_gradient && can_be_ours(x, convolution->weight);
  const bool takes_it = input.from.defined() || ours;
  if (!torch::GradMode::is_enabled() || !is_cast || !takes_it) return convolution->forward(x);
  // What autocast would do to a convolution; it does not look into functions of ours.
  const auto cast = [&](const torch::Tensor& parameter) {
    return autocast ? parameter.to(x.scalar_type()) : parameter;
  };
  const torch::Tensor weight = cast(convolution->weight);
  const torch::Tensor bias = convolution->bias.defined() ? cast(convolution->bias) : torch::empty({0});
  return Convolve::apply(x, input, weight, bias, ours);
}

WeightGradient weight_gradient(const torch::Tensor& x, const torch::Tensor& dy, std::int64_t kernel) {
  const ConvolutionSize size{x.size(2), x.size(3), x.size(1), dy.size(1), kernel};
  const std::int64_t images = x.size(0), groups = (size.out + kOutputGroup - 1) / kOutputGroup;
  // Sums of each image by itself where channels alone would not be work for many threads.
  constexpr std::int64_t kEnoughGroups = 8;
  const std::int64_t parts = groups < kEnoughGroups ? images : 1, of_part = images / parts;
  const torch::Tensor weight = torch::zeros({parts, size.out, kernel, kernel, size.in}, x.options());
  const torch::Tensor bias = torch::zeros({parts, size.out}, weight.options());
  const auto add = weight_gradient_kernel_sets().front()->add;
  at::parallel_for(0, parts * groups, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>(weight_gradient_scratch(size)));
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t part = task / groups, first = task % groups * kOutputGroup;
      for (std::int64_t image = part * of_part; image < (part + 1) * of_part; ++image)
        add(memory<float>(x) + image * size.height * size.width * size.in,
            memory<float>(dy) + image * size.height * size.width * size.out, size, first,
            std::min(first + kOutputGroup, size.out), scratch.data(), memory<float>(weight) + part * weight.stride(0),
            memory<float>(bias) + part * size.out);
    }
  });
  return {weight.sum(0).permute({0, 3, 1, 2}), bias.sum(0)};
}

}  // namespace crossfade::model
