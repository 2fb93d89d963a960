// Compiled once for each instruction set, as CROSSFADE_KERNELS (see CMakeLists.txt). The classes of a pixel lie side by
// side: they are taken in vectors as long as a register, the last one filled up, so that sums are made in another order
// by another instruction set, but always in the same by one.
#include "schedules/pixel_kernels.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "data/vectors.hpp"
#include "schedules/ignored.hpp"

namespace crossfade::schedules {
namespace {

using data::Doubles;
using data::Floats;
using data::kLanes;
using data::Vector;
using data::Words;

// e^x for x ≤ 0 to 2 units in the last place (polynomial of Cephes' expf). Below e^-60, far under the rounding error of
// a sum that is at least 1, it gives 0: subnormal products would be very slow.
CROSSFADE_INLINE void exp_not_positive(Floats& x) {
  constexpr float kRound = 12582912.0F;  // 1.5·2^23: adding it rounds to an integer, kept in the lowest bits
  const Floats shifted = x * 1.44269504F + kRound;
  const Floats n = shifted - kRound;
  const Floats r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Floats series = r * 1.9875691500e-4F + 1.3981999507e-3F;
  series = series * r + 8.3334519073e-3F;
  series = series * r + 4.1665795894e-2F;
  series = series * r + 1.6666665459e-1F;
  series = series * r + 5.0000001201e-1F;
  series = series * r * r + r + 1.0F;
  Words words;
  __builtin_memcpy(&words, &shifted, sizeof words);
  words = (words + 127U) << 23U;
  Floats power;
  __builtin_memcpy(&power, &words, sizeof power);
  const Floats nothing{};
  x = x < -60.0F ? nothing : series * power;  // a NaN stays one
}
CROSSFADE_INLINE void exp_not_positive(Doubles& x) {
  for (std::size_t k = 0; k < kLanes<double>; ++k) x[k] = std::exp(x[k]);
}

/// The classes of one pixel, seen either way.
template <class A, std::size_t most_vectors>
union Row {
  std::array<Vector<A>, most_vectors> vectors;
  std::array<A, most_vectors * kLanes<A>> values;
};

template <class A, bool squared>
CROSSFADE_INLINE void add(const Vector<A>& x, Doubles* to) {
  std::array<Doubles, data::kWide<A>> wide;
  data::widen(x, wide.data());
  for (std::size_t n = 0; n < data::kWide<A>; ++n) to[n] += squared ? wide[n] * wide[n] : wide[n];
}

/// `classes` logits as `vectors` vectors, filled up with what has no weight in a softmax where `marked` is 0. `rest`:
/// logits from `from` on that may be read, at least `classes`.
template <class T, std::size_t most_vectors>
CROSSFADE_INLINE void load_row(const T* from, std::int64_t classes, std::int64_t rest, std::size_t vectors,
                               const Vector<Arithmetic<T>>& marked, Row<Arithmetic<T>, most_vectors>& to) {
  using A = Arithmetic<T>;
  if (rest >= static_cast<std::int64_t>(vectors * kLanes<A>)) {
    for (std::size_t n = 0; n < vectors; ++n) data::load(from + n * kLanes<A>, to.vectors[n]);
  } else {
    for (std::size_t n = 0; n + 1 < vectors; ++n) data::load(from + n * kLanes<A>, to.vectors[n]);
    const std::size_t before = (vectors - 1) * kLanes<A>;
    data::load_few(from + before, static_cast<std::size_t>(classes) - before, to.vectors[vectors - 1]);
  }
  Vector<A> nothing;
  data::fill<A>(nothing, std::numeric_limits<A>::lowest());
  Vector<A>& last = to.vectors[vectors - 1];
  last = marked > A(0) ? last : nothing;
}

/// What marks the lanes of the last vector that hold classes.
template <class A>
CROSSFADE_INLINE void mark(std::int64_t classes, std::size_t vectors, Vector<A>& marked) {
  const auto used = static_cast<std::size_t>(classes) - (vectors - 1) * kLanes<A>;
  for (std::size_t k = 0; k < kLanes<A>; ++k) marked[k] = k < used ? A(1) : A(0);
}

/// One logit.
CROSSFADE_INLINE float number(float x) {
  return x;
}
CROSSFADE_INLINE double number(double x) {
  return x;
}
CROSSFADE_INLINE float number(Bfloat16 x) {
  const std::uint32_t word = static_cast<std::uint32_t>(x.bits) << 16U;
  float value;
  __builtin_memcpy(&value, &word, sizeof value);
  return value;
}

// Pixels that go through each part of the work together: what waits for a sum over the classes of one pixel leaves
// room for the next, and a logarithm's call, which empties all vector registers, stands in a loop of its own.
constexpr std::int64_t kTile = 32;

/// What is known of the pixels of a tile before their masses are added up.
template <class A, std::size_t vectors>
struct Tile {
  std::array<std::array<Vector<A>, vectors>, kTile> e;  // exp(logit - largest); 0 for an ignored pixel
  std::array<A, kTile> largest, total, below, inverse;  // total: Σ e; below: largest - logit of the label
};

template <class T, std::size_t fixed, bool squared>
CROSSFADE_INLINE void softmax_of(const PixelRow<T>& row, const Arithmetic<T>* const* weights, std::size_t maps,
                                 const SoftmaxScale<T>& scale, RowSums& sums) {
  using A = Arithmetic<T>;
  using V = Vector<A>;
  constexpr std::size_t most_vectors = data::kMostVectors<A, fixed>;
  const std::int64_t classes = row.classes;
  const std::size_t vectors = data::vectors_of<A, fixed>(classes);
  const auto most = [](V & a, const V& b) __attribute__((always_inline)) {
    a = a > b ? a : b;
  };
  const auto plus = [](V & a, const V& b) __attribute__((always_inline)) {
    a += b;
  };
  V marked;
  mark<A>(classes, vectors, marked);
  std::array<Doubles, most_vectors * data::kWide<A>> mass{};
  V not_finite{};
  Tile<A, most_vectors> tile;
  for (std::int64_t begin = 0; begin < row.pixels; begin += kTile) {
    const std::int64_t count = begin + kTile < row.pixels ? kTile : row.pixels - begin;
    const std::uint8_t* const labels = row.labels + begin;
    const auto exponentials = [&]<std::size_t group>(std::int64_t first, std::integral_constant<std::size_t, group>)
        __attribute__((always_inline)) {
      std::array<Row<A, most_vectors>, group> z;
      std::array<V, group> all;
      const auto own = static_cast<std::size_t>(first);
      for (std::size_t g = 0; g < group; ++g) {
        const std::int64_t i = begin + first + static_cast<std::int64_t>(g);
        load_row(row.logits + i * classes, classes, (row.pixels - i) * classes, vectors, marked, z[g]);
        // −inf for one class leaves the softmax finite, but is as much a sign of a broken net as NaN.
        for (std::size_t n = 0; n < vectors; ++n) not_finite += z[g].vectors[n] * A(0);
        all[g] = z[g].vectors[0];
        for (std::size_t n = 1; n < vectors; ++n) most(all[g], z[g].vectors[n]);
      }
      for (std::size_t g = 0; g < group; ++g) tile.largest[own + g] = data::reduce<A>(all[g], most);
      for (std::size_t g = 0; g < group; ++g) {
        all[g] = V{};
        for (std::size_t n = 0; n < vectors; ++n) {
          V x = z[g].vectors[n] - tile.largest[own + g];
          exp_not_positive(x);
          tile.e[own + g][n] = x;
          all[g] += x;
        }
      }
      for (std::size_t g = 0; g < group; ++g) tile.total[own + g] = data::reduce<A>(all[g], plus);
      for (std::size_t g = 0; g < group; ++g) {
        const std::uint8_t label = labels[own + g];
        if (label != kIgnored) {
          const std::int64_t i = begin + first + static_cast<std::int64_t>(g);
          tile.below[own + g] = tile.largest[own + g] - number(row.logits[i * classes + label]);
        } else {
          for (std::size_t n = 0; n < vectors; ++n) tile.e[own + g][n] = V{};
          tile.largest[own + g] = tile.below[own + g] = 0;
          tile.total[own + g] = 1;
        }
      }
    };
    data::each_group<data::kGroup<fixed>>(count, exponentials);
    for (std::size_t own = 0; own < static_cast<std::size_t>(count); ++own) tile.inverse[own] = A(1) / tile.total[own];
    for (std::size_t own = 0; own < static_cast<std::size_t>(count); ++own) {
      const A inverse = tile.inverse[own];
      for (std::size_t n = 0; n < vectors; ++n)
        add<A, squared>(tile.e[own][n] * inverse, mass.data() + n * data::kWide<A>);
      const std::uint8_t label = labels[own];
      if (label == kIgnored) continue;
      const A e = tile.e[own][label / kLanes<A>][label % kLanes<A>];
      sums.overlap[label] += static_cast<double>(e * inverse);
      sums.labelled[label] += 1;
    }
    if (scale.largest != nullptr) {
      const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(A);
      __builtin_memcpy(scale.largest + begin, tile.largest.data(), bytes);
      __builtin_memcpy(scale.inverse + begin, tile.inverse.data(), bytes);
    }
    for (std::int64_t k = 0; k < count; ++k) {
      const auto own = static_cast<std::size_t>(k);
      const A nll = std::log(tile.total[own]) + tile.below[own];
      for (std::size_t map = 0; map < maps; ++map) {
        const A weight = weights[map][begin + k];
        sums.weighted[2 * map] += static_cast<double>(weight) * static_cast<double>(nll);
        sums.weighted[2 * map + 1] += static_cast<double>(weight);
      }
    }
  }
  for (std::int64_t c = 0; c < classes; ++c) {
    const auto of = static_cast<std::size_t>(c);
    sums.mass[c] += mass[of / kLanes<double>][of % kLanes<double>];
  }
  sums.not_finite += static_cast<double>(data::reduce<A>(not_finite, plus));
}

template <class T, std::size_t fixed>
CROSSFADE_INLINE void gradient_of(const PixelRow<T>& row, const SoftmaxScale<T>& scale, const Arithmetic<T>* overlap,
                                  const Arithmetic<T>* nll, T* gradient) {
  using A = Arithmetic<T>;
  using V = Vector<A>;
  constexpr std::size_t most_vectors = data::kMostVectors<A, fixed>;
  const std::int64_t classes = row.classes;
  const std::size_t vectors = data::vectors_of<A, fixed>(classes), last = vectors - 1;
  const auto plus = [](V & a, const V& b) __attribute__((always_inline)) {
    a += b;
  };
  V marked;
  mark<A>(classes, vectors, marked);
  Row<A, most_vectors> constant{}, slope{}, number_of{};
  const std::size_t bytes = static_cast<std::size_t>(classes) * sizeof(A);
  __builtin_memcpy(constant.values.data(), overlap + classes, bytes);
  __builtin_memcpy(slope.values.data(), overlap + 2 * classes, bytes);
  for (std::size_t c = 0; c < vectors * kLanes<A>; ++c) number_of.values[c] = static_cast<A>(c);
  const std::size_t before = last * kLanes<A>, behind = static_cast<std::size_t>(classes) - before;
  const auto write = [&]<std::size_t group>(std::int64_t first, std::integral_constant<std::size_t, group>)
      __attribute__((always_inline)) {
    std::array<Row<A, most_vectors>, group> z, p;
    std::array<V, group> all;
    for (std::size_t g = 0; g < group; ++g) {
      const std::int64_t i = first + static_cast<std::int64_t>(g);
      load_row(row.logits + i * classes, classes, (row.pixels - i) * classes, vectors, marked, z[g]);
      all[g] = V{};
      for (std::size_t n = 0; n < vectors; ++n) {
        V x = z[g].vectors[n] - scale.largest[i];
        exp_not_positive(x);
        x *= scale.inverse[i];
        p[g].vectors[n] = x;
        z[g].vectors[n] = x * (constant.vectors[n] + slope.vectors[n] * x);  // p·d, but for the part of the label
        all[g] += z[g].vectors[n];
      }
    }
    for (std::size_t g = 0; g < group; ++g) {
      const std::int64_t i = first + static_cast<std::int64_t>(g);
      const std::uint8_t label = row.labels[i];
      T* const out = gradient + i * classes;
      if (label == kIgnored) {
        __builtin_memset(out, 0, static_cast<std::size_t>(classes) * sizeof(T));
        continue;
      }
      const A at_label = p[g].values[label] * overlap[label], omega = nll != nullptr ? nll[i] : A(0);
      const A shift = omega - (data::reduce<A>(all[g], plus) + at_label);
      // Added where the label is by a comparison: a number written into a vector in memory would hold up its loading.
      const V nothing{};
      V own, of_label;
      data::fill<A>(own, static_cast<A>(label));
      data::fill<A>(of_label, at_label - omega);
      for (std::size_t n = 0; n < vectors; ++n) {
        const V added = number_of.vectors[n] == own ? of_label : nothing;
        z[g].vectors[n] = z[g].vectors[n] + p[g].vectors[n] * shift + added;
      }
      for (std::size_t n = 0; n < last; ++n) data::store(z[g].vectors[n], out + n * kLanes<A>);
      if (behind == kLanes<A>) {
        data::store(z[g].vectors[last], out + before);
      } else {
        data::store_few(z[g].vectors[last], behind, out + before);
      }
    }
  };
  data::each_group<data::kGroup<fixed>>(row.pixels, write);
}

template <class T>
void softmax(const PixelRow<T>& row, const Arithmetic<T>* const* weights, std::size_t maps, bool squared,
             const SoftmaxScale<T>& scale, RowSums& sums) {
  data::with_vectors<Arithmetic<T>>(
      row.classes, [&]<std::size_t n>(std::integral_constant<std::size_t, n>) __attribute__((always_inline)) {
        if (squared) return softmax_of<T, n, true>(row, weights, maps, scale, sums);
        softmax_of<T, n, false>(row, weights, maps, scale, sums);
      });
}

template <class T>
void write_gradient(const PixelRow<T>& row, const SoftmaxScale<T>& scale, const Arithmetic<T>* overlap,
                    const Arithmetic<T>* nll, T* gradient) {
  data::with_vectors<Arithmetic<T>>(
      row.classes, [&]<std::size_t n>(std::integral_constant<std::size_t, n>)
                       __attribute__((always_inline)) { gradient_of<T, n>(row, scale, overlap, nll, gradient); });
}

template <class T>
constexpr PixelKernels<T> kernels_of() {
  return {softmax<T>, write_gradient<T>};
}

}  // namespace

extern const KernelSet CROSSFADE_KERNELS;
constinit const KernelSet CROSSFADE_KERNELS = {kernels_of<float>(), kernels_of<double>(), kernels_of<Bfloat16>()};

}  // namespace crossfade::schedules
