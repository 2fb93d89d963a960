// What a net costs to run.
#pragma once

#include "model/network.hpp"

namespace crossfade::model {

/// Floating-point operations of the forward pass on one image of `height` x `width` pixels: two (a product and a sum) for
/// each weight that a convolution or transposed convolution applies to a pixel. Normalisation, activation and pooling,
/// some per cent of that, are left out, as papers do. Leaves the net in evaluation mode.
double forward_flops(Network& network, int in_channels, int height, int width);

}  // namespace crossfade::model
