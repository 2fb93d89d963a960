// The U-Net of Ronneberger et al. 2015, padded so that the output is as large as the input.
#pragma once

#include <torch/nn/modules/conv.h>

#include <memory>
#include <vector>

#include "model/batch_norm.hpp"
#include "model/network.hpp"
#include "model/sampling.hpp"

namespace crossfade::model {

/// What comes out of convolutions. The ReLU is left to what follows, which may do it in the same pass.
struct Convolved {
  Activation output;
  bool rectify;  // whether it is still to come; behind a normalisation it is done
};

/// Two 3×3 convolutions, each with ReLU, and with batch normalisation between them where asked for.
class DoubleConvolution : public torch::nn::Module {
 public:
  DoubleConvolution(int in, int out, bool normalise, const std::shared_ptr<const GroupContext>& group);
  Convolved forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
  std::shared_ptr<BatchNorm> norm1_, norm2_;  // none: null
};

/// One level of the way up: doubles the resolution, joins the encoder's output of that level, convolves.
class Up : public torch::nn::Module {
 public:
  Up(int out, bool normalise, const std::shared_ptr<const GroupContext>& group);
  Convolved forward(const torch::Tensor& below, const Skip& skip);

 private:
  torch::nn::ConvTranspose2d up_{nullptr};
  std::shared_ptr<DoubleConvolution> convolutions_;
};

/// Names of parameters: encoder.LEVEL.conv1.weight …, bottom.conv1.weight …, decoder.LEVEL.up.weight,
/// decoder.LEVEL.conv.conv1.weight …, classifier.weight; level 0 has full resolution. Runs channels-last.
class UNet : public Network {
 public:
  UNet(const ModelOptions& options, int in_channels, int classes);
  int divisor() const override { return 1 << encoder_.size(); }

 protected:
  torch::Tensor compute(const torch::Tensor& images) override;

 private:
  int in_channels_;
  std::vector<std::shared_ptr<DoubleConvolution>> encoder_;
  std::shared_ptr<DoubleConvolution> bottom_;
  std::vector<std::shared_ptr<Up>> decoder_;
  torch::nn::Conv2d classifier_{nullptr};
};

}  // namespace crossfade::model
