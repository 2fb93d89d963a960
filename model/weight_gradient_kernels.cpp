// Compiled once for each instruction set, as CROSSFADE_KERNELS (see CMakeLists.txt). A tile of weights, few output by
// two vectors of input channels, stays in registers while a run of pixels goes by: each pixel adds an outer product to
// it.
#include "model/weight_gradient_kernels.hpp"

#include "data/vectors.hpp"

namespace crossfade::model::weight_gradient {
namespace {

using data::Floats;
using data::kLanes;

constexpr auto kVector = static_cast<std::int64_t>(kLanes<float>);

/// Input channels that are worked on together: `vectors` of them, the last with so many lanes if `few` is not 0.
struct Channels {
  std::int64_t first, vectors;
  std::size_t few;

  CROSSFADE_INLINE bool whole(std::int64_t v) const { return few == 0 || v + 1 < vectors; }
  CROSSFADE_INLINE void load(const float* from, std::int64_t v, Floats& to) const {
    whole(v) ? data::load(from + v * kVector, to) : data::load_few(from + v * kVector, few, to);
  }
  CROSSFADE_INLINE void store(const Floats& from, std::int64_t v, float* to) const {
    whole(v) ? data::store(from, to + v * kVector) : data::store_few(from, few, to + v * kVector);
  }
};

/// Rows of an image as packed: those of dy as they are, those of x with a border of zeros.
struct Packed {
  const float* x;
  const float* dy;
  std::int64_t rows, width, border, out;
};

/// What the pixels add to `outputs` by `vectors` weights of one tap, whose first pixel of x is `tap`.
template <int outputs, int vectors>
CROSSFADE_INLINE void add_tile(const Packed& packed, const float* tap, std::int64_t output, const Channels& channels,
                               std::int64_t stride, float* dw) {
  Floats sums[outputs][vectors];
  for (int o = 0; o < outputs; ++o)
    for (int v = 0; v < vectors; ++v) channels.load(dw + o * stride, v, sums[o][v]);
  for (std::int64_t row = 0; row < packed.rows; ++row) {
    const float* x = tap + row * (packed.width + packed.border) * vectors * kVector;
    const float* dy = packed.dy + row * packed.width * packed.out + output;
    for (std::int64_t n = packed.width; n > 0; --n, x += vectors * kVector, dy += packed.out) {
      Floats pixel[vectors];
      for (int v = 0; v < vectors; ++v) data::load(x + v * kVector, pixel[v]);
      for (int o = 0; o < outputs; ++o) {
        Floats gradient;
        data::fill(gradient, dy[o]);
        for (int v = 0; v < vectors; ++v) sums[o][v] += gradient * pixel[v];
      }
    }
  }
  for (int o = 0; o < outputs; ++o)
    for (int v = 0; v < vectors; ++v) channels.store(sums[o][v], v, dw + o * stride);
}

template <int vectors>
CROSSFADE_INLINE void add_channels(const Packed& packed, const Channels& channels, const ConvolutionSize& size,
                                   float* dw) {
  const std::int64_t stride = size.kernel * size.kernel * size.in;
  for (std::int64_t output = 0; output < packed.out;) {
    const std::int64_t left = packed.out - output;
    const bool six = left >= 12 || left == 6;
    for (std::int64_t y = 0; y < size.kernel; ++y)
      for (std::int64_t x = 0; x < size.kernel; ++x) {
        const float* const tap = packed.x + (y * (packed.width + packed.border) + x) * vectors * kVector;
        float* const to = dw + output * stride + (y * size.kernel + x) * size.in + channels.first;
        if (six)
          add_tile<6, vectors>(packed, tap, output, channels, stride, to);
        else if (left >= 4)
          add_tile<4, vectors>(packed, tap, output, channels, stride, to);
        else
          add_tile<1, vectors>(packed, tap, output, channels, stride, to);
      }
    output += six ? 6 : left >= 4 ? 4 : 1;
  }
}

/// Rows from `first` on of the channels, with a border of zeros.
CROSSFADE_INLINE void pack_x(const float* x, const ConvolutionSize& size, std::int64_t first, std::int64_t rows,
                             const Channels& channels, float* to) {
  const std::int64_t pad = size.kernel / 2, length = channels.vectors * kVector;
  const Floats nothing{};
  const auto clear = [&](std::int64_t pixels) __attribute__((always_inline)) {
    for (std::int64_t n = pixels * channels.vectors; n > 0; --n, to += kVector) data::store(nothing, to);
  };
  for (std::int64_t row = first - pad; row < first + rows + pad; ++row) {
    if (row < 0 || row >= size.height) {
      clear(size.width + 2 * pad);
      continue;
    }
    clear(pad);
    const float* from = x + row * size.width * size.in + channels.first;
    for (std::int64_t n = size.width; n > 0; --n, from += size.in, to += length)
      for (std::int64_t v = 0; v < channels.vectors; ++v) {
        Floats pixel;
        channels.load(from, v, pixel);
        data::store(pixel, to + v * kVector);
      }
    clear(pad);
  }
}

/// `count` channels of so many pixels, side by side; adds their sums to db.
CROSSFADE_INLINE void pack_dy(const float* dy, std::int64_t out, std::int64_t pixels, std::int64_t count, float* to,
                              float* db) {
  if (count == kOutputGroup) {
    constexpr std::int64_t vectors = kOutputGroup / kVector;
    Floats sums[vectors] = {};
    for (std::int64_t n = 0; n < pixels; ++n, dy += out, to += kOutputGroup)
      for (std::int64_t v = 0; v < vectors; ++v) {
        Floats gradient;
        data::load(dy + v * kVector, gradient);
        data::store(gradient, to + v * kVector);
        sums[v] += gradient;
      }
    for (std::int64_t v = 0; v < vectors; ++v) {
      Floats sum;
      data::load(db + v * kVector, sum);
      data::store(sum + sums[v], db + v * kVector);
    }
    return;
  }
  float sums[kOutputGroup] = {};
  for (std::int64_t n = 0; n < pixels; ++n, dy += out, to += count)
    for (std::int64_t o = 0; o < count; ++o) sums[o] += to[o] = dy[o];
  for (std::int64_t o = 0; o < count; ++o) db[o] += sums[o];
}

void add(const float* x, const float* dy, const ConvolutionSize& size, std::int64_t first, std::int64_t last,
         float* scratch, float* dw, float* db) {
  const std::int64_t together = rows_together(size), out = last - first;
  float* const packed_dy = scratch;
  float* const packed_x = scratch + together * size.width * kOutputGroup;
  float* const to = dw + first * size.kernel * size.kernel * size.in;
  for (std::int64_t row = 0; row < size.height; row += together) {
    const std::int64_t rows = row + together < size.height ? together : size.height - row;
    pack_dy(dy + row * size.width * size.out + first, size.out, rows * size.width, out, packed_dy, db + first);
    const Packed packed{packed_x, packed_dy, rows, size.width, size.kernel - 1, out};
    for (std::int64_t c = 0; c < size.in; c += 2 * kVector) {
      const std::int64_t left = size.in - c;
      const std::int64_t vectors = left > kVector ? 2 : 1;
      const bool whole = left >= vectors * kVector;
      const Channels channels{c, vectors, whole ? 0 : static_cast<std::size_t>(left % kVector)};
      pack_x(x, size, row, rows, channels, packed_x);
      vectors == 2 ? add_channels<2>(packed, channels, size, to) : add_channels<1>(packed, channels, size, to);
    }
  }
}

}  // namespace

extern const WeightGradientKernels CROSSFADE_KERNELS;
const WeightGradientKernels CROSSFADE_KERNELS = {add};

}  // namespace crossfade::model::weight_gradient
