// The loops behind pixel_pass_cpu, over plain memory, compiled for several instruction sets of which the machine's best
// is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/bfloat16.hpp"

namespace crossfade::schedules {

using data::Arithmetic;
using data::Bfloat16;

/// Neighbouring pixels of one image. T: float, double or Bfloat16.
template <class T>
struct PixelRow {
  const T* logits;             // [pixels, classes]
  const std::uint8_t* labels;  // [pixels]: classes, or kIgnored
  std::int64_t pixels, classes;
};

/// What a softmax leaves for its gradient: softmax_c is exp(logit_c - largest) * inverse.
template <class T>
struct SoftmaxScale {
  Arithmetic<T>* largest;  // [pixels], or both null: not asked for
  Arithmetic<T>* inverse;
};

/// Σ over a row of pixels, added to what is there; judged pixels alone, but for not_finite.
struct RowSums {
  double* overlap;   // [classes] Σ p·g
  double* mass;      // [classes] Σ p, or Σ p²
  double* labelled;  // [classes] Σ g
  double* weighted;  // two for each map of weights: Σ ω·nll, Σ ω
  double not_finite = 0;
};

template <class T>
struct PixelKernels {
  /// At most 255 classes, as labels are bytes. `weights` are `maps` maps of pixel weights, 0 where ignored.
  void (*softmax)(const PixelRow<T>& row, const Arithmetic<T>* const* weights, std::size_t maps, bool squared,
                  const SoftmaxScale<T>& scale, RowSums& sums);
  /// Writes dL/dz to `gradient` [pixels, classes], which may be the logits' memory; `overlap` [3, classes] with the
  /// rows of OverlapRow, `nll` [pixels] or null. See gradient_pass_cpu() for the formula.
  void (*gradient)(const PixelRow<T>& row, const SoftmaxScale<T>& scale, const Arithmetic<T>* overlap,
                   const Arithmetic<T>* nll, T* gradient);
};

struct KernelSet {
  PixelKernels<float> of_float;
  PixelKernels<double> of_double;
  PixelKernels<Bfloat16> of_bfloat16;
};

/// All that this machine can run, the best first.
const std::vector<const KernelSet*>& kernel_sets();

}  // namespace crossfade::schedules
