// What stands between a normalisation and the layer that takes it in.
#pragma once

#include <torch/autograd.h>
#include <torch/types.h>

#include "model/channel_pass.hpp"

namespace crossfade::model {

/// What a layer takes in. Where `from` is defined, `values` is channel_affine(from, by) to the bit: for its gradient a
/// layer keeps `from`, which the normalisation keeps anyway, and computes the values again. So they take memory in the
/// forward pass alone, for one more pass over the pixels in the backward pass.
struct Activation {
  torch::Tensor values;
  torch::Tensor from{};
  ChannelAffine by{};
};

/// Saves the weight of a layer for its backward pass, and what its input can be made of.
inline void save(torch::autograd::AutogradContext* context, const Activation& x, const torch::Tensor& weight) {
  const bool again = x.from.defined();
  context->save_for_backward({again ? x.from : x.values, x.by.scale, x.by.shift, weight});
  context->saved_data["again"] = again;
  context->saved_data["input rectified"] = x.by.rectify;
}

struct Saved {
  torch::Tensor x, weight;
};
inline Saved restore(torch::autograd::AutogradContext* context) {
  const auto saved = context->get_saved_variables();
  if (!context->saved_data["again"].toBool()) return {saved[0], saved[3]};
  return {channel_affine(saved[0], {saved[1], saved[2], context->saved_data["input rectified"].toBool()}), saved[3]};
}

}  // namespace crossfade::model
