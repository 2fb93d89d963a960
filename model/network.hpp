// Segmentation nets, made by name.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "model/model_options.hpp"

namespace crossfade::model {

/// Sums a contiguous float64 tensor over the ranks of the group, in place, on the tensor's device.
using AllReduce = std::function<void(torch::Tensor&)>;

/// What layers need to know of the group of ranks that trains them together; shared by all layers of a net.
struct GroupContext {
  AllReduce all_reduce = [](torch::Tensor&) {};  // identity: one rank
  bool dummy = false;  // this step, this rank has no slice: its input counts in no statistic and gets gradient zero
};

/// A net from [n, in_channels, H, W] to logits [n, classes, H, W], which are of the type that it computes in.
class Network : public torch::nn::Module {
 public:
  /// Throws std::invalid_argument that names size and divisor unless H and W are multiples of divisor().
  torch::Tensor forward(const torch::Tensor& images);
  /// Image sides must be multiples of this.
  virtual int divisor() const = 0;
  GroupContext& group() { return *group_; }

  /// Fp32 until said otherwise: layers compute in the type of the parameters.
  void set_precision(Precision precision) { precision_ = precision; }
  Precision precision() const { return precision_; }

 protected:
  virtual torch::Tensor compute(const torch::Tensor& images) = 0;
  /// The images as the first layer takes them: channels-last, in the type that the net computes in.
  torch::Tensor first_input(const torch::Tensor& images) const;
  /// Throws std::invalid_argument unless `images` is [n, in_channels, H, W] with sides that divisor() divides.
  void check_images(const char* who, const torch::Tensor& images, int in_channels) const;

  std::shared_ptr<GroupContext> group_ = std::make_shared<GroupContext>();

 private:
  Precision precision_ = Precision::kFp32;
};

/// Makes the net on the CPU in float32 and draws its parameters: Xavier uniform weights, zero biases, as a pure
/// function of `seed`. Throws std::invalid_argument for an unknown name (listing the known ones).
std::shared_ptr<Network> make_network(const ModelOptions& options, int in_channels, int classes, std::uint64_t seed);

/// Number of trainable scalars.
std::int64_t parameter_count(const Network& network);

}  // namespace crossfade::model
