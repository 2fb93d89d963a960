#include "model/quicknat.hpp"

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include "model/convolution.hpp"
#include "model/sampling.hpp"

namespace crossfade::model {
namespace {

torch::nn::Conv2d convolution(int in, int out, int kernel) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2));
}

}  // namespace

DenseBlock::DenseBlock(int in, int filters, int kernel, const std::shared_ptr<const GroupContext>& group) {
  norm1_ = register_module("norm1", std::make_shared<BatchNorm>(in, group));
  conv1_ = register_module("conv1", convolution(in, filters, kernel));
  norm2_ = register_module("norm2", std::make_shared<BatchNorm>(in + filters, group));
  conv2_ = register_module("conv2", convolution(in + filters, filters, kernel));
  norm3_ = register_module("norm3", std::make_shared<BatchNorm>(in + 2 * filters, group));
  conv3_ = register_module("conv3", convolution(in + 2 * filters, filters, 1));
}

torch::Tensor DenseBlock::forward(const torch::Tensor& x) {
  const torch::Tensor first = convolve(conv1_, norm1_->forward(x, /*rectify=*/true));
  const torch::Tensor both = torch::cat({x, first}, 1);
  const torch::Tensor second = convolve(conv2_, norm2_->forward(both, /*rectify=*/true));
  const Activation all = norm3_->forward(torch::cat({both, second}, 1), /*rectify=*/true);
  return convolve_pixels(all, /*rectify=*/false, conv3_->weight, conv3_->bias);
}

QuickNat::QuickNat(const ModelOptions& options, int in_channels, int classes) : in_channels_(in_channels) {
  const int filters = options.width;
  const auto encoder = register_module("encoder", std::make_shared<torch::nn::Module>());
  const auto decoder = register_module("decoder", std::make_shared<torch::nn::Module>());
  for (int level = 0; level < options.depth; ++level) {
    const std::string name = std::to_string(level);
    encoder_.push_back(encoder->register_module(
        name, std::make_shared<DenseBlock>(level == 0 ? in_channels : filters, filters, options.kernel, group_)));
    decoder_.push_back(
        decoder->register_module(name, std::make_shared<DenseBlock>(2 * filters, filters, options.kernel, group_)));
  }
  const auto bottom = register_module("bottom", std::make_shared<torch::nn::Module>());
  bottom_ = bottom->register_module("conv", convolution(filters, filters, options.kernel));
  bottom_norm_ = bottom->register_module("norm", std::make_shared<BatchNorm>(filters, group_));
  classifier_ = register_module("classifier", convolution(filters, classes, 1));
}

torch::Tensor QuickNat::compute(const torch::Tensor& images) {
  check_images("QuickNAT", images, in_channels_);
  torch::Tensor x = first_input(images);
  std::vector<torch::Tensor> skips, places;
  for (const auto& level : encoder_) {
    skips.push_back(level->forward(x));
    torch::Tensor indices;
    std::tie(x, indices) = torch::max_pool2d_with_indices(skips.back(), 2);
    places.push_back(indices);
  }
  x = bottom_norm_->forward(convolve(bottom_, {x})).values;
  for (std::size_t level = decoder_.size(); level-- > 0;) {
    const torch::Tensor& skip = skips[level];
    x = torch::max_unpool2d(x, places[level], {skip.size(2), skip.size(3)});
    x = decoder_[level]->forward(torch::cat({skip, x}, 1));
  }
  return convolve_pixels({x}, /*rectify=*/false, classifier_->weight, classifier_->bias);
}

}  // namespace crossfade::model
