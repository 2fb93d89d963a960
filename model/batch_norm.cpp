#include "model/batch_norm.hpp"

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "model/channel_pass.hpp"
#include "model/kernel_dispatch.hpp"

namespace crossfade::model {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr double kMomentum = 0.1;  // weight of the new batch in the running statistics

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Statistics of the global batch, float64 [C] each, and its number of pixels.
struct Statistics {
  torch::Tensor mean, variance;
  torch::Tensor inverse;  // 1 / sqrt(variance + ε)
  torch::Tensor count;
};

Statistics global_statistics(const torch::Tensor& x, const GroupContext& group) {
  const std::int64_t channels = x.size(1);
  torch::Tensor sums = torch::zeros({2 * channels + 1}, x.options().dtype(torch::kFloat64));
  if (!group.dummy) {
    sums.slice(0, 0, 2 * channels).copy_(channel_sums(x, x).flatten());
    sums.slice(0, 2 * channels).fill_(static_cast<double>(x.numel() / channels));
  }
  group.all_reduce(sums);
  Statistics statistics;
  statistics.count = sums[2 * channels];
  statistics.mean = sums.slice(0, 0, channels) / statistics.count;
  const torch::Tensor mean_square = sums.slice(0, channels, 2 * channels) / statistics.count;
  statistics.variance = (mean_square - statistics.mean.square()).clamp_min(0);  // rounding may leave −1e-17
  statistics.inverse = (statistics.variance + kEpsilon).rsqrt();
  return statistics;
}

/// γ·(x − mean)·inverse + β.
ChannelAffine affine_of(const torch::Tensor& weight, const torch::Tensor& bias, const torch::Tensor& mean,
                        const torch::Tensor& inverse, bool rectify) {
  const torch::Tensor scale = weight.to(torch::kFloat64) * inverse;
  return {scale, bias.to(torch::kFloat64) - mean.to(torch::kFloat64) * scale, rectify};
}

class BatchNormFunction : public torch::autograd::Function<BatchNormFunction> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& /*bias*/, const Statistics& statistics, const ChannelAffine& affine,
                               const std::shared_ptr<const GroupContext>& group) {
    context->save_for_backward({x, affine.scale, affine.shift, statistics.mean, statistics.inverse, statistics.count});
    context->saved_data["rectify"] = affine.rectify;
    context->saved_data["type"] = weight.scalar_type();
    // The group outlives the graph's use of it; `dummy` is kept as it was in this step.
    context->saved_data["group"] = c10::IValue::make_capsule(c10::make_intrusive<Group>(group, group->dummy));
    return channel_affine(x, affine);
  }

  // With x̂ = (x − mean)·inverse and N pixels in the global batch, and dy = 0 where ReLU had 0:
  // dx = γ·inverse·(dy − (Σ dy + x̂·Σ dy·x̂) / N), the sums over all ranks.
  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &scale = saved[1], &mean = saved[3], &inverse = saved[4], &count = saved[5];
    const ChannelAffine forward{scale, saved[2], context->saved_data["rectify"].toBool()};
    const auto group = c10::static_intrusive_pointer_cast<Group>(context->saved_data["group"].toCapsule());
    const auto [dy, is_own] = incoming(outer[0], x.suggest_memory_format());

    torch::Tensor sums = torch::zeros({2, x.size(1)}, x.options().dtype(torch::kFloat64));  // Σ dy, Σ dy·x̂
    if (!group->dummy) {
      const torch::Tensor raw = channel_sums(dy, x, forward);
      sums[0] = raw[0];
      sums[1] = (raw[1] - mean * raw[0]) * inverse;
    }
    const torch::Tensor own =
        sums.to(context->saved_data["type"].toScalarType(), /*non_blocking=*/false, /*copy=*/true);
    group->context->all_reduce(sums);
    if (group->dummy) return {torch::zeros_like(x), own[1], own[0], {}, {}, {}};

    const torch::Tensor of_x = -scale * inverse * sums[1] / count;
    const torch::Tensor shift = -scale * sums[0] / count - of_x * mean;
    return {channel_affine_gradient(dy, x, {forward, scale, of_x, shift}, is_own), own[1], own[0], {}, {}, {}};
  }

 private:
  struct Group : torch::CustomClassHolder {
    Group(std::shared_ptr<const GroupContext> group, bool is_dummy) : context(std::move(group)), dummy(is_dummy) {}
    std::shared_ptr<const GroupContext> context;
    bool dummy;
  };
};

}  // namespace

BatchNorm::BatchNorm(int channels, std::shared_ptr<const GroupContext> group) : group_(std::move(group)) {
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
  running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
  running_var_ = register_buffer("running_var", torch::ones({channels}));
}

Activation BatchNorm::forward(const torch::Tensor& x, bool rectify) {
  if (!is_training()) {
    if (torch::GradMode::is_enabled()) {
      const torch::Tensor y = torch::batch_norm(x, weight_, bias_, running_mean_, running_var_, /*training=*/false,
                                                kMomentum, kEpsilon, /*cudnn_enabled=*/true);
      return {rectify ? y.relu() : y};
    }
    const torch::Tensor inverse = (running_var_.to(torch::kFloat64) + kEpsilon).rsqrt();
    return {channel_affine(x, affine_of(weight_, bias_, running_mean_, inverse, rectify))};
  }
  Statistics statistics;
  ChannelAffine affine;
  {
    const torch::NoGradGuard no_grad;
    statistics = global_statistics(x, *group_);
    affine = affine_of(weight_, bias_, statistics.mean, statistics.inverse, rectify);
    // One pixel has no unbiased variance; its biased one, 0, does.
    const torch::Tensor unbiased = statistics.variance * (statistics.count / (statistics.count - 1).clamp_min(1));
    running_mean_.lerp_(statistics.mean.to(running_mean_.scalar_type()), kMomentum);
    running_var_.lerp_(unbiased.to(running_var_.scalar_type()), kMomentum);
  }
  const torch::Tensor y = BatchNormFunction::apply(x, weight_, bias_, statistics, affine, group_);
  if (!takes_kernels(x) || !torch::GradMode::is_enabled()) return {y};
  return {y, x, affine};
}

}  // namespace crossfade::model
