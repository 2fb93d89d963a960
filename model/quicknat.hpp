// QuickNAT of Roy et al. 2019 (NeuroImage 186), for one plane: dense blocks, pooling with indices, unpooling by them.
#pragma once

#include <torch/nn/modules/conv.h>

#include <memory>
#include <vector>

#include "model/batch_norm.hpp"
#include "model/network.hpp"

namespace crossfade::model {

/// Batch normalisation, ReLU and convolution three times: kernel K on x, kernel K on x joined with the first result,
/// kernel 1 on x joined with both. [n, in, H, W] to [n, filters, H, W].
class DenseBlock : public torch::nn::Module {
 public:
  DenseBlock(int in, int filters, int kernel, const std::shared_ptr<const GroupContext>& group);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::shared_ptr<BatchNorm> norm1_, norm2_, norm3_;
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
};

/// As its authors published it with `width` 64, `kernel` 5 and `depth` 4; always with batch normalisation, its
/// convolutions with a bias. Names of parameters: encoder.LEVEL.norm1.weight, encoder.LEVEL.conv1.weight ...,
/// bottom.conv.weight, bottom.norm.weight ..., decoder.LEVEL.conv1.weight ..., classifier.weight; level 0 has full
/// resolution. Runs channels-last.
class QuickNat : public Network {
 public:
  QuickNat(const ModelOptions& options, int in_channels, int classes);
  int divisor() const override { return 1 << encoder_.size(); }

 protected:
  torch::Tensor compute(const torch::Tensor& images) override;

 private:
  std::vector<std::shared_ptr<DenseBlock>> encoder_, decoder_;
  torch::nn::Conv2d bottom_{nullptr};
  std::shared_ptr<BatchNorm> bottom_norm_;
  torch::nn::Conv2d classifier_{nullptr};
  int in_channels_;
};

}  // namespace crossfade::model
