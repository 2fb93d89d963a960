#include "model/unet.hpp"

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

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

torch::Tensor DoubleConvolution::forward(torch::Tensor x) {
  // ReLU in place: neither a convolution nor the normalisation needs its own output for its gradient.
  x = conv1_->forward(x);
  if (norm1_) x = norm1_->forward(x);
  x = conv2_->forward(torch::relu_(x));
  if (norm2_) x = norm2_->forward(x);
  return torch::relu_(x);
}

Up::Up(int out, bool normalise, const std::shared_ptr<const GroupContext>& group) {
  up_ = register_module("up", torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(2 * out, out, 2).stride(2)));
  convolutions_ = register_module("conv", std::make_shared<DoubleConvolution>(2 * out, out, normalise, group));
}

torch::Tensor Up::forward(const torch::Tensor& below, const torch::Tensor& skip) {
  return convolutions_->forward(torch::cat({skip, up_->forward(below)}, 1));
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

torch::Tensor UNet::forward(const torch::Tensor& images) {
  check_images("U-Net", images, in_channels_);
  // A tensor of one channel counts as both layouts, and convolution then picks the slow one: a copy settles it.
  torch::Tensor x = images.clone(torch::MemoryFormat::ChannelsLast);
  std::vector<torch::Tensor> skips;
  for (const auto& level : encoder_) {
    skips.push_back(level->forward(x));
    x = torch::max_pool2d(skips.back(), 2);
  }
  x = bottom_->forward(x);
  for (std::size_t level = decoder_.size(); level-- > 0;) x = decoder_[level]->forward(x, skips[level]);
  return classifier_->forward(x);
}

}  // namespace crossfade::model
