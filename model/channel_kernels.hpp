// The loops between convolutions, over plain memory that is channels-last: the channels of a pixel lie side by side.
// Compiled for several instruction sets of which the machine's best is taken.
#pragma once

#include <cstdint>
#include <vector>

#include "data/bfloat16.hpp"

namespace crossfade::model {

/// A run of pixels.
struct Extent {
  std::int64_t pixels, channels;
};

/// x·scale + shift with one of each a channel, and max(0, ·) of that where asked for.
template <class A>
struct Affine {
  const A* scale;
  const A* shift;
  bool rectify;
};

/// What the gradient of an Affine's input is made of: of_gradient·dy + of_input·x + constant, one of each a channel. dy
/// counts as 0 where `forward` was rectified to 0.
template <class A>
struct AffineGradient {
  Affine<A> forward;
  const A* of_gradient;
  const A* of_input;
  const A* constant;
};

/// Two neighbouring rows of an image, from an even one on; `stride` elements from pixel to pixel.
template <class T>
struct RowPair {
  T* upper;
  T* lower;
  std::int64_t stride;
};

/// T: float, double or data::Bfloat16. NaN stays NaN.
template <class T>
struct ChannelKernels {
  using A = data::Arithmetic<T>;
  /// Adds Σ a and Σ a·b to sums [2, channels]; `a` counts as 0 where b was rectified to 0, if by anything.
  void (*sums)(const T* a, const T* b, const Affine<A>* of_b, Extent extent, double* sums);
  void (*affine)(const T* x, const Affine<A>& by, Extent extent, T* y);
  void (*affine_gradient)(const T* dy, const T* x, const AffineGradient<A>& by, Extent extent, T* dx);
  /// dy where y is above 0; dx may be dy or y.
  void (*rectifier_gradient)(const T* dy, const T* y, std::int64_t count, T* dx);
  /// full = x, or with `rectify` max(0, x), and the largest of each 2 × 2 pixels of it; `extent` is that of `pooled`.
  void (*pool)(const RowPair<const T>& x, bool rectify, Extent extent, const RowPair<T>& full, T* pooled);
  /// dx = d_skip, and d_pooled added where `full` was the (first) largest; with `rectify` 0 where `full` is.
  void (*pool_gradient)(const RowPair<const T>& full, bool rectify, const T* d_pooled, const RowPair<const T>& d_skip,
                        Extent extent, const RowPair<T>& dx);
  /// Pixel (w, k) of z [pixels, 4, channels] plus bias goes to the k-th of the 2 × 2 pixels w of `to`.
  void (*spread)(const T* z, const A* bias, Extent extent, const RowPair<T>& to);
  /// The way back; adds Σ to bias_sums [channels].
  void (*gather)(const RowPair<const T>& from, Extent extent, T* z, double* bias_sums);
  /// The channel in which each pixel is largest, or the first that is NaN; of equal ones the first. At most 256
  /// channels.
  void (*largest)(const T* x, Extent extent, std::uint8_t* channels);
};

struct ChannelKernelSet {
  ChannelKernels<float> of_float;
  ChannelKernels<double> of_double;
  ChannelKernels<data::Bfloat16> of_bfloat16;
};

/// All that this machine can run, the best first.
const std::vector<const ChannelKernelSet*>& channel_kernel_sets();

}  // namespace crossfade::model
