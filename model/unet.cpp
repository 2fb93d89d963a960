#include "model/unet.hpp"

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include "model/convolution.hpp"

namespace crossfade::model {
namespace {

torch::nn::Conv2d convolution3x3(int in, int out, bool bias) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1).bias(bias));
}

}  // namespace

DoubleConvolution::DoubleConvolution(int in, int out, bool normalise,
                                     const std::shared_ptr<const GroupContext>& group) {
  // Batch normalisation takes any bias away again.
  conv1_ = register_module("conv1", convolution3x3(in, out, !normalise));
  if (normalise) norm1_ = register_module("norm1", std::make_shared<BatchNorm>(out, group));
  conv2_ = register_module("conv2", convolution3x3(out, out, !normalise));
  if (normalise) norm2_ = register_module("norm2", std::make_shared<BatchNorm>(out, group));
}

Convolved DoubleConvolution::forward(const torch::Tensor& x) {
  // ReLU in place: neither a convolution nor the normalisation needs its own output for its gradient.
  torch::Tensor y = convolve(conv1_, {x});
  y = convolve(conv2_, norm1_ ? norm1_->forward(y, /*rectify=*/true) : Activation{rectify(y)});
  if (!norm2_) return {{y}, /*rectify=*/true};
  return {norm2_->forward(y, /*rectify=*/true), /*rectify=*/false};
}

Up::Up(int out, bool normalise, const std::shared_ptr<const GroupContext>& group) {
  up_ = register_module("up", torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(2 * out, out, 2).stride(2)));
  convolutions_ = register_module("conv", std::make_shared<DoubleConvolution>(2 * out, out, normalise, group));
}

Convolved Up::forward(const torch::Tensor& below, const Skip& skip) {
  return convolutions_->forward(join_up(skip, below, up_->weight, up_->bias));
}

UNet::UNet(const ModelOptions& options, int in_channels, int classes) : in_channels_(in_channels) {
  const bool normalise = options.norm == "batch";
  const auto encoder = register_module("encoder", std::make_shared<torch::nn::Module>());
  int channels = in_channels, wide = options.width;
  for (int level = 0; level < options.depth; ++level, channels = wide, wide *= 2) {
    const auto convolutions = std::make_shared<DoubleConvolution>(channels, wide, normalise, group_);
    encoder_.push_back(encoder->register_module(std::to_string(level), convolutions));
  }
  bottom_ = register_module("bottom", std::make_shared<DoubleConvolution>(channels, wide, normalise, group_));
  const auto decoder = register_module("decoder", std::make_shared<torch::nn::Module>());
  for (int level = 0; level < options.depth; ++level) {
    const auto up = std::make_shared<Up>(options.width << level, normalise, group_);
    decoder_.push_back(decoder->register_module(std::to_string(level), up));
  }
  classifier_ = register_module("classifier", torch::nn::Conv2d(torch::nn::Conv2dOptions(options.width, classes, 1)));
}

torch::Tensor UNet::compute(const torch::Tensor& images) {
  check_images("U-Net", images, in_channels_);
  torch::Tensor x = first_input(images);
  std::vector<Skip> skips;
  for (const auto& level : encoder_) {
    const Convolved y = level->forward(x);
    Pooled pooled = pool(y.output.values, y.rectify, /*room=*/y.output.values.size(1));
    skips.push_back(std::move(pooled.full));
    x = std::move(pooled.half);
  }
  Convolved y = bottom_->forward(x);
  for (std::size_t level = decoder_.size(); level-- > 0;)
    y = decoder_[level]->forward(y.rectify ? rectify(y.output.values) : y.output.values, skips[level]);
  return convolve_pixels(y.output, y.rectify, classifier_->weight, classifier_->bias);
}

}  // namespace crossfade::model
