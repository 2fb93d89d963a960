// Compiled once for each instruction set, as CROSSFADE_KERNELS (see CMakeLists.txt). The channels of a pixel are taken
// in vectors as long as a register, those left over in one that is not full.
#include "model/channel_kernels.hpp"

#include <array>
#include <limits>

#include "data/vectors.hpp"

namespace crossfade::model {
namespace {

using data::Arithmetic;
using data::Bfloat16;
using data::Doubles;
using data::kLanes;
using data::kWide;
using data::Vector;

/// A vector of channels: from `first` on, all of its lanes or, where `few` is not 0, so many.
template <class T>
struct Chunk {
  using V = Vector<Arithmetic<T>>;
  std::int64_t first;
  std::size_t few;

  CROSSFADE_INLINE void load(const T* pixel, V& to) const {
    few == 0 ? data::load(pixel + first, to) : data::load_few(pixel + first, few, to);
  }
  CROSSFADE_INLINE void store(const V& from, T* pixel) const {
    few == 0 ? data::store(from, pixel + first) : data::store_few(from, few, pixel + first);
  }
  /// One number a channel, as the arithmetic has it.
  CROSSFADE_INLINE void load_row(const Arithmetic<T>* row, V& to) const {
    few == 0 ? data::load(row + first, to) : data::load_few(row + first, few, to);
  }
};

template <class T, class Body>
CROSSFADE_INLINE void each_chunk(std::int64_t channels, const Body& body) {
  constexpr auto lanes = static_cast<std::int64_t>(kLanes<Arithmetic<T>>);
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(Chunk<T>{c, 0});
  if (c < channels) body(Chunk<T>{c, static_cast<std::size_t>(channels - c)});
}

/// 0 where x ≤ 0, which NaN is not, else `yes`.
template <class V>
CROSSFADE_INLINE void where_positive(const V& x, const V& yes, V& to) {
  const V nothing{};
  to = x <= nothing ? nothing : yes;
}

template <class T>
CROSSFADE_INLINE void transform(const Affine<Arithmetic<T>>& by, const Chunk<T>& chunk, const typename Chunk<T>::V& x,
                                typename Chunk<T>::V& to) {
  typename Chunk<T>::V scale, shift;
  chunk.load_row(by.scale, scale);
  chunk.load_row(by.shift, shift);
  to = x * scale + shift;
}

/// One sum a channel in registers for a run of pixels: through memory each pixel would wait for the one before it.
template <class T>
struct ChunkSums {
  static constexpr std::size_t kParts = kWide<Arithmetic<T>>;
  std::array<Doubles, kParts> of{};

  CROSSFADE_INLINE void load(const Chunk<T>& chunk, const double* sums) {
    each_part(
        chunk, [&](std::size_t n, std::size_t few) __attribute__((always_inline)) {
          const double* const from = sums + chunk.first + n * kLanes<double>;
          few == 0 ? data::load(from, of[n]) : data::load_few(from, few, of[n]);
        });
  }
  CROSSFADE_INLINE void store(const Chunk<T>& chunk, double* sums) const {
    each_part(
        chunk, [&](std::size_t n, std::size_t few) __attribute__((always_inline)) {
          double* const to = sums + chunk.first + n * kLanes<double>;
          few == 0 ? data::store(of[n], to) : data::store_few(of[n], few, to);
        });
  }
  CROSSFADE_INLINE void add(const std::array<Doubles, kParts>& wide) {
    for (std::size_t n = 0; n < kParts; ++n) of[n] += wide[n];
  }

 private:
  /// The parts of a chunk that hold channels; `few`: of their lanes, 0 for all.
  template <class Each>
  CROSSFADE_INLINE static void each_part(const Chunk<T>& chunk, const Each& each) {
    for (std::size_t n = 0; n < kParts; ++n) {
      const std::size_t before = n * kLanes<double>;
      if (chunk.few == 0 || chunk.few >= before + kLanes<double>)
        each(n, 0);
      else if (chunk.few > before)
        each(n, chunk.few - before);
    }
  }
};

/// Vectors of a pixel that are summed side by side, a line of the cache: half a line at a time, a pass would fetch each
/// line twice where pixels have many channels.
constexpr std::size_t kTogether = data::kVectorBytes < 64 ? 2 : 1;

/// Calls body(chunks, first pixel, end), with kTogether or 1 of them in an array, such that the pixels of a run stay in
/// the cache from chunk to chunk.
template <class T, class Body>
CROSSFADE_INLINE void each_run(Extent extent, const Body& body) {
  constexpr std::int64_t kRun = 64;
  constexpr auto lanes = static_cast<std::int64_t>(kLanes<Arithmetic<T>>);
  constexpr auto together = static_cast<std::int64_t>(kTogether) * lanes;
  for (std::int64_t first = 0; first < extent.pixels; first += kRun) {
    const std::int64_t end = first + kRun < extent.pixels ? first + kRun : extent.pixels;
    std::int64_t c = 0;
    for (; c + together <= extent.channels; c += together) {
      std::array<Chunk<T>, kTogether> chunks;
      for (std::size_t k = 0; k < kTogether; ++k) chunks[k] = {c + static_cast<std::int64_t>(k) * lanes, 0};
      body(chunks, first, end);
    }
    each_chunk<T>(
        extent.channels - c, [&](const Chunk<T>& chunk) __attribute__((always_inline)) {
          body(std::array<Chunk<T>, 1>{{{c + chunk.first, chunk.few}}}, first, end);
        });
  }
}

/// `same`: b is a.
template <class T, bool rectified, bool same>
CROSSFADE_INLINE void sums_of(const T* a, const T* b, const Affine<Arithmetic<T>>& of_b, Extent extent, double* sums) {
  using A = Arithmetic<T>;
  const auto run = [&]<std::size_t count>(const std::array<Chunk<T>, count>& chunks, std::int64_t first,
                                          std::int64_t end) __attribute__((always_inline)) {
    std::array<ChunkSums<T>, count> of_a, of_product;
    for (std::size_t k = 0; k < count; ++k) {
      of_a[k].load(chunks[k], sums);
      of_product[k].load(chunks[k], sums + extent.channels);
    }
    for (std::int64_t i = first; i < end; ++i) {
      for (std::size_t k = 0; k < count; ++k) {
        Vector<A> own, other;
        chunks[k].load(a + i * extent.channels, own);
        if constexpr (!same) chunks[k].load(b + i * extent.channels, other);
        if constexpr (rectified) {
          Vector<A> value;
          transform(of_b, chunks[k], other, value);
          where_positive(value, own, own);
        }
        std::array<Doubles, kWide<A>> wide, factor;
        data::widen(own, wide.data());
        if constexpr (same)
          factor = wide;
        else
          data::widen(other, factor.data());
        of_a[k].add(wide);
        for (std::size_t n = 0; n < kWide<A>; ++n) wide[n] *= factor[n];
        of_product[k].add(wide);
      }
    }
    for (std::size_t k = 0; k < count; ++k) {
      of_a[k].store(chunks[k], sums);
      of_product[k].store(chunks[k], sums + extent.channels);
    }
  };
  each_run<T>(extent, run);
}

template <class T>
void sums(const T* a, const T* b, const Affine<Arithmetic<T>>* of_b, Extent extent, double* sums) {
  if (of_b != nullptr && of_b->rectify) return sums_of<T, true, false>(a, b, *of_b, extent, sums);
  if (a == b) return sums_of<T, false, true>(a, a, {}, extent, sums);
  sums_of<T, false, false>(a, b, {}, extent, sums);
}

template <class T, bool rectify>
CROSSFADE_INLINE void affine_of(const T* x, const Affine<Arithmetic<T>>& by, Extent extent, T* y) {
  for (std::int64_t i = 0; i < extent.pixels; ++i) {
    const T* const from = x + i * extent.channels;
    T* const to = y + i * extent.channels;
    each_chunk<T>(
        extent.channels, [&](const Chunk<T>& chunk) __attribute__((always_inline)) {
          Vector<Arithmetic<T>> value;
          chunk.load(from, value);
          transform(by, chunk, value, value);
          if constexpr (rectify) where_positive(value, value, value);
          chunk.store(value, to);
        });
  }
}

template <class T>
void affine(const T* x, const Affine<Arithmetic<T>>& by, Extent extent, T* y) {
  if (by.rectify) return affine_of<T, true>(x, by, extent, y);
  affine_of<T, false>(x, by, extent, y);
}

template <class T, bool rectified>
CROSSFADE_INLINE void affine_gradient_of(const T* dy, const T* x, const AffineGradient<Arithmetic<T>>& by,
                                         Extent extent, T* dx) {
  using V = Vector<Arithmetic<T>>;
  for (std::int64_t i = 0; i < extent.pixels; ++i) {
    const T* const gradient = dy + i * extent.channels;
    const T* const input = x + i * extent.channels;
    T* const to = dx + i * extent.channels;
    each_chunk<T>(
        extent.channels, [&](const Chunk<T>& chunk) __attribute__((always_inline)) {
          V own, value, of_gradient, of_input, constant;
          chunk.load(gradient, own);
          chunk.load(input, value);
          if constexpr (rectified) {
            V forward;
            transform(by.forward, chunk, value, forward);
            where_positive(forward, own, own);
          }
          chunk.load_row(by.of_gradient, of_gradient);
          chunk.load_row(by.of_input, of_input);
          chunk.load_row(by.constant, constant);
          chunk.store(own * of_gradient + (value * of_input + constant), to);
        });
  }
}

template <class T>
void affine_gradient(const T* dy, const T* x, const AffineGradient<Arithmetic<T>>& by, Extent extent, T* dx) {
  if (by.forward.rectify) return affine_gradient_of<T, true>(dy, x, by, extent, dx);
  affine_gradient_of<T, false>(dy, x, by, extent, dx);
}

template <class T>
void rectifier_gradient(const T* dy, const T* y, std::int64_t count, T* dx) {
  each_chunk<T>(
      count, [&](const Chunk<T>& chunk) __attribute__((always_inline)) {
        Vector<Arithmetic<T>> own, value;
        chunk.load(dy, own);
        chunk.load(y, value);
        where_positive(value, own, own);
        chunk.store(own, dx);
      });
}

/// The 2 × 2 pixels that the i-th of half the resolution belongs to.
template <class T>
CROSSFADE_INLINE std::array<T*, 4> square(const RowPair<T>& rows, std::int64_t i) {
  T* const upper = rows.upper + 2 * i * rows.stride;
  T* const lower = rows.lower + 2 * i * rows.stride;
  return {upper, upper + rows.stride, lower, lower + rows.stride};
}

/// The largest of four; NaN if one is.
template <class V>
CROSSFADE_INLINE void largest_of(const std::array<V, 4>& values, V& most) {
  most = values[0];
  for (std::size_t k = 1; k < 4; ++k) most = (values[k] > most) | (values[k] != values[k]) ? values[k] : most;
}

template <class T, bool rectify>
CROSSFADE_INLINE void pool_of(const RowPair<const T>& x, Extent extent, const RowPair<T>& full, T* pooled) {
  using V = Vector<Arithmetic<T>>;
  for (std::int64_t i = 0; i < extent.pixels; ++i) {
    const std::array<const T*, 4> from = square(x, i);
    const std::array<T*, 4> to = square(full, i);
    each_chunk<T>(
        extent.channels, [&](const Chunk<T>& chunk) __attribute__((always_inline)) {
          std::array<V, 4> values;
          for (std::size_t k = 0; k < 4; ++k) {
            chunk.load(from[k], values[k]);
            if constexpr (rectify) where_positive(values[k], values[k], values[k]);
            chunk.store(values[k], to[k]);
          }
          V most;
          largest_of(values, most);
          chunk.store(most, pooled + i * extent.channels);
        });
  }
}

template <class T>
void pool(const RowPair<const T>& x, bool rectify, Extent extent, const RowPair<T>& full, T* pooled) {
  if (rectify) return pool_of<T, true>(x, extent, full, pooled);
  pool_of<T, false>(x, extent, full, pooled);
}

template <class T, bool rectified>
CROSSFADE_INLINE void pool_gradient_of(const RowPair<const T>& full, const T* d_pooled, const RowPair<const T>& d_skip,
                                       Extent extent, const RowPair<T>& dx) {
  using V = Vector<Arithmetic<T>>;
  for (std::int64_t i = 0; i < extent.pixels; ++i) {
    const std::array<const T*, 4> input = square(full, i), skip = square(d_skip, i);
    const std::array<T*, 4> to = square(dx, i);
    each_chunk<T>(
        extent.channels, [&](const Chunk<T>& chunk) __attribute__((always_inline)) {
          const V nothing{};
          std::array<V, 4> values;
          for (std::size_t k = 0; k < 4; ++k) chunk.load(input[k], values[k]);
          V most, gradient;
          largest_of(values, most);
          chunk.load(d_pooled + i * extent.channels, gradient);
          for (std::size_t k = 0; k < 4; ++k) {
            V own;
            chunk.load(skip[k], own);
            const auto is_largest = values[k] == most;
            own += is_largest ? gradient : nothing;
            gradient = is_largest ? nothing : gradient;  // given away: of equal pixels the first has it
            if constexpr (rectified) where_positive(values[k], own, own);
            chunk.store(own, to[k]);
          }
        });
  }
}

template <class T>
void pool_gradient(const RowPair<const T>& full, bool rectify, const T* d_pooled, const RowPair<const T>& d_skip,
                   Extent extent, const RowPair<T>& dx) {
  if (rectify) return pool_gradient_of<T, true>(full, d_pooled, d_skip, extent, dx);
  pool_gradient_of<T, false>(full, d_pooled, d_skip, extent, dx);
}

template <class T>
void spread(const T* z, const Arithmetic<T>* bias, Extent extent, const RowPair<T>& to) {
  for (std::int64_t i = 0; i < extent.pixels; ++i) {
    const std::array<T*, 4> out = square(to, i);
    each_chunk<T>(
        extent.channels, [&](const Chunk<T>& chunk) __attribute__((always_inline)) {
          Vector<Arithmetic<T>> plus, value;
          chunk.load_row(bias, plus);
          for (std::size_t k = 0; k < 4; ++k) {
            chunk.load(z + (4 * i + static_cast<std::int64_t>(k)) * extent.channels, value);
            chunk.store(value + plus, out[k]);
          }
        });
  }
}

template <class T>
void gather(const RowPair<const T>& from, Extent extent, T* z, double* bias_sums) {
  using A = Arithmetic<T>;
  const auto run = [&]<std::size_t count>(const std::array<Chunk<T>, count>& chunks, std::int64_t first,
                                          std::int64_t end) __attribute__((always_inline)) {
    std::array<ChunkSums<T>, count> sums;
    for (std::size_t c = 0; c < count; ++c) sums[c].load(chunks[c], bias_sums);
    for (std::int64_t i = first; i < end; ++i) {
      const std::array<const T*, 4> in = square(from, i);
      for (std::size_t c = 0; c < count; ++c) {
        std::array<Doubles, kWide<A>> sum{}, wide;
        for (std::size_t k = 0; k < 4; ++k) {
          Vector<A> value;
          chunks[c].load(in[k], value);
          chunks[c].store(value, z + (4 * i + static_cast<std::int64_t>(k)) * extent.channels);
          data::widen(value, wide.data());
          for (std::size_t n = 0; n < kWide<A>; ++n) sum[n] += wide[n];
        }
        sums[c].add(sum);
      }
    }
    for (std::size_t c = 0; c < count; ++c) sums[c].store(chunks[c], bias_sums);
  };
  each_run<T>(extent, run);
}

/// A vector of integers in the order of the numbers in x, NaN above all; -0 and 0 are one.
template <class Integer, class V, class I>
CROSSFADE_INLINE void order_of(const V& x, I& to) {
  constexpr Integer kMost = std::numeric_limits<Integer>::max();
  const V value = x + 0;
  I bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  bits ^= (bits >> (8 * sizeof(Integer) - 1)) & kMost;
  const I most = I{} + kMost;
  to = x != x ? most : bits;
}

template <class T, std::size_t fixed>
CROSSFADE_INLINE void largest_of(const T* x, Extent extent, std::uint8_t* result) {
  using A = Arithmetic<T>;
  using V = Vector<A>;
  using I = decltype(V{} == V{});
  using Integer = std::conditional_t<sizeof(A) == 8, std::int64_t, std::int32_t>;
  constexpr std::size_t most_vectors = data::kMostVectors<A, fixed>;
  const std::size_t vectors = data::vectors_of<A, fixed>(extent.channels);
  const std::size_t behind = static_cast<std::size_t>(extent.channels) % kLanes<A>;  // in the last vector, if not full
  const auto most = [](I & a, const I& b) __attribute__((always_inline)) {
    a = a > b ? a : b;
  };
  const auto least = [](I & a, const I& b) __attribute__((always_inline)) {
    a = a < b ? a : b;
  };
  I lane{};
  for (std::size_t k = 0; k < kLanes<A>; ++k) lane[k] = static_cast<Integer>(k);
  const I lowest = I{} + std::numeric_limits<Integer>::min(), none = I{} + Integer(256);
  const auto find = [&]<std::size_t group>(std::int64_t first, std::integral_constant<std::size_t, group>)
      __attribute__((always_inline)) {
    std::array<std::array<I, most_vectors>, group> order;
    std::array<I, group> all, at;
    for (std::size_t g = 0; g < group; ++g) {
      const T* const pixel = x + (first + static_cast<std::int64_t>(g)) * extent.channels;
      all[g] = lowest;
      for (std::size_t n = 0; n < vectors; ++n) {
        const Chunk<T> chunk{static_cast<std::int64_t>(n * kLanes<A>), n + 1 == vectors ? behind : 0};
        V value;
        chunk.load(pixel, value);
        order_of<Integer>(value, order[g][n]);
        if (chunk.few != 0) order[g][n] = lane < static_cast<Integer>(chunk.few) ? order[g][n] : lowest;
        most(all[g], order[g][n]);
      }
    }
    for (std::size_t g = 0; g < group; ++g) all[g] = I{} + data::reduce<Integer>(all[g], most);
    for (std::size_t g = 0; g < group; ++g) {
      at[g] = none;
      for (std::size_t n = 0; n < vectors; ++n)
        least(at[g], order[g][n] == all[g] ? lane + static_cast<Integer>(n * kLanes<A>) : none);
    }
    for (std::size_t g = 0; g < group; ++g)
      result[first + static_cast<std::int64_t>(g)] = static_cast<std::uint8_t>(data::reduce<Integer>(at[g], least));
  };
  data::each_group<data::kGroup<fixed>>(extent.pixels, find);
}

template <class T>
void largest(const T* x, Extent extent, std::uint8_t* channels) {
  data::with_vectors<Arithmetic<T>>(
      extent.channels, [&]<std::size_t n>(std::integral_constant<std::size_t, n>)
                           __attribute__((always_inline)) { largest_of<T, n>(x, extent, channels); });
}

template <class T>
constexpr ChannelKernels<T> kernels_of() {
  return {sums<T>,   affine<T>, affine_gradient<T>, rectifier_gradient<T>, pool<T>, pool_gradient<T>,
          spread<T>, gather<T>, largest<T>};
}

}  // namespace

extern const ChannelKernelSet CROSSFADE_KERNELS;
constinit const ChannelKernelSet CROSSFADE_KERNELS = {kernels_of<float>(), kernels_of<double>(),
                                                      kernels_of<Bfloat16>()};

}  // namespace crossfade::model
