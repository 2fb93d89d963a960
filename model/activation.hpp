// What stands between a normalisation and the layer that takes it in.
#pragma once

#include <torch/types.h>

#include <vector>

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

/// What to save for the backward pass, of which restored() makes the values.
inline std::vector<torch::Tensor> to_save(const Activation& x) {
  if (!x.from.defined()) return {x.values};
  return {x.from, x.by.scale, x.by.shift};
}
inline torch::Tensor restored(const std::vector<torch::Tensor>& saved, bool rectify) {
  return saved.size() == 1 ? saved[0] : channel_affine(saved[0], {saved[1], saved[2], rectify});
}

}  // namespace crossfade::model
