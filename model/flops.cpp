#include "model/flops.hpp"

#include <torch/types.h>
#include <torch/utils.h>

#include <string_view>

namespace crossfade::model {
namespace {

/// Of this thread's counting; a callback of c10 can't carry it.
thread_local double counted = 0;

/// aten::convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
double of_convolution(c10::ArrayRef<const c10::IValue> inputs) {
  const torch::Tensor input = inputs[0].toTensor(), weight = inputs[1].toTensor();
  const bool transposed = inputs[6].toBool();
  double pixels = static_cast<double>(input.size(0) * input.size(2) * input.size(3));
  if (!transposed) {  // a transposed convolution spreads each input pixel, a plain one gathers for each output pixel
    for (const std::int64_t stride : inputs[3].toIntVector()) pixels /= static_cast<double>(stride);
  }
  return 2 * pixels * static_cast<double>(weight.numel());
}

/// A convolution whose pixels don't overlap, as a product of matrices.
double of_product(const torch::Tensor& a, const torch::Tensor& b) {
  return 2 * static_cast<double>(a.numel()) * static_cast<double>(b.size(1));
}

std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& call) {
  // Others call these, or are called by them.
  const std::string_view name = call.name();
  const auto inputs = call.inputs();
  if (name == "aten::convolution") counted += of_convolution(inputs);
  if (name == "aten::mm") counted += of_product(inputs[0].toTensor(), inputs[1].toTensor());
  if (name == "aten::addmm") counted += of_product(inputs[1].toTensor(), inputs[2].toTensor());
  return nullptr;
}

}  // namespace

double forward_flops(Network& network, int in_channels, int height, int width) {
  const torch::NoGradGuard no_grad;
  network.eval();
  // Cost is proportional to pixels, so the smallest image that the net takes will do.
  const int side = network.divisor();
  counted = 0;
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(count).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  try {
    network.forward(torch::zeros({1, in_channels, side, side}, network.parameters().front().options()));
  } catch (...) {
    at::removeCallback(handle);
    throw;
  }
  at::removeCallback(handle);
  return counted * (static_cast<double>(height) / side) * (static_cast<double>(width) / side);
}

}  // namespace crossfade::model
