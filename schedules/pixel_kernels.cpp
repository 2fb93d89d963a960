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

constexpr std::size_t kMostClasses = 256;

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

/// Joins what lies `half` lanes apart by `join(a, b)`, which changes a.
template <std::size_t half, class V, class Join, std::size_t... k>
CROSSFADE_INLINE void join_halves(V& v, const Join& join, std::index_sequence<k...>) {
  join(v, __builtin_shufflevector(v, v, static_cast<int>((k + half) % sizeof...(k))...));
}

/// All lanes of `x`, joined by halves, then by halves of those, ...
template <class A, class Join>
CROSSFADE_INLINE A reduce(const Vector<A>& x, const Join& join) {
  constexpr std::size_t count = kLanes<A>;
  constexpr std::make_index_sequence<count> lanes;
  Vector<A> v = x;
  if constexpr (count > 8) join_halves<8>(v, join, lanes);
  if constexpr (count > 4) join_halves<4>(v, join, lanes);
  if constexpr (count > 2) join_halves<2>(v, join, lanes);
  join_halves<1>(v, join, lanes);
  return v[0];
}

/// The classes of one pixel, seen either way.
template <class A>
union Row {
  std::array<Vector<A>, kMostClasses / kLanes<A>> vectors;
  std::array<A, kMostClasses> values;
};

template <class A>
CROSSFADE_INLINE void add(const Vector<A>& x, bool squared, Doubles* to) {
  std::array<Doubles, data::kWide<A>> wide;
  data::widen(x, wide.data());
  for (std::size_t n = 0; n < data::kWide<A>; ++n) to[n] += squared ? wide[n] * wide[n] : wide[n];
}

/// `classes` logits as `vectors` vectors, filled up with what has no weight in a softmax where `marked` is 0. `rest`:
/// logits from `from` on that may be read, at least `classes`.
template <class T>
CROSSFADE_INLINE void load_row(const T* from, std::int64_t classes, std::int64_t rest, std::size_t vectors,
                               const Vector<Arithmetic<T>>& marked, Row<Arithmetic<T>>& to) {
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

template <class A>
CROSSFADE_INLINE std::size_t vectors_of(std::int64_t classes) {
  return (static_cast<std::size_t>(classes) + kLanes<A> - 1) / kLanes<A>;
}

/// What marks the lanes of the last vector that hold classes.
template <class A>
CROSSFADE_INLINE void mark(std::int64_t classes, std::size_t vectors, Vector<A>& marked) {
  const auto used = static_cast<std::size_t>(classes) - (vectors - 1) * kLanes<A>;
  for (std::size_t k = 0; k < kLanes<A>; ++k) marked[k] = k < used ? A(1) : A(0);
}

template <class T, std::size_t fixed>
CROSSFADE_INLINE void softmax_of(const PixelRow<T>& row, const Arithmetic<T>* const* weights, std::size_t maps,
                                 bool squared, const SoftmaxScale<T>& scale, RowSums& sums) {
  using A = Arithmetic<T>;
  using V = Vector<A>;
  const std::int64_t classes = row.classes;
  const std::size_t vectors = fixed > 0 ? fixed : vectors_of<A>(classes);
  const auto most = [](V & a, const V& b) __attribute__((always_inline)) {
    a = a > b ? a : b;
  };
  const auto plus = [](V & a, const V& b) __attribute__((always_inline)) {
    a += b;
  };
  V marked;
  mark<A>(classes, vectors, marked);
  std::array<Doubles, kMostClasses / kLanes<double>> mass{};
  V not_finite{};
  Row<A> z, e;
  // Logarithms are taken of some pixels together: a call in between would empty all vector registers.
  constexpr std::int64_t kTogether = 64;
  std::array<A, kTogether> totals, below;  // Σ e, and how far the label's logit lies below the largest
  for (std::int64_t begin = 0; begin < row.pixels; begin += kTogether) {
    const std::int64_t end = begin + kTogether < row.pixels ? begin + kTogether : row.pixels;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto own = static_cast<std::size_t>(i - begin);
      load_row(row.logits + i * classes, classes, (row.pixels - i) * classes, vectors, marked, z);
      // −inf for one class leaves the softmax finite, but is as much a sign of a broken net as NaN.
      for (std::size_t n = 0; n < vectors; ++n) not_finite += z.vectors[n] * A(0);
      const std::uint8_t label = row.labels[i];
      if (label == kIgnored) {
        totals[own] = 1;
        below[own] = 0;
        if (scale.largest != nullptr) scale.largest[i] = scale.inverse[i] = 0;
        continue;
      }
      V all = z.vectors[0];
      for (std::size_t n = 1; n < vectors; ++n) most(all, z.vectors[n]);
      const A largest = reduce<A>(all, most);
      all = V{};
      for (std::size_t n = 0; n < vectors; ++n) {
        V x = z.vectors[n] - largest;
        exp_not_positive(x);
        e.vectors[n] = x;
        all += x;
      }
      const A total = reduce<A>(all, plus), inverse = A(1) / total;
      for (std::size_t n = 0; n < vectors; ++n)
        add<A>(e.vectors[n] * inverse, squared, mass.data() + n * kLanes<A> / kLanes<double>);
      sums.overlap[label] += static_cast<double>(e.values[label] * inverse);
      sums.labelled[label] += 1;
      totals[own] = total;
      below[own] = largest - z.values[label];
      if (scale.largest != nullptr) {
        scale.largest[i] = largest;
        scale.inverse[i] = inverse;
      }
    }
    for (std::int64_t i = begin; i < end; ++i) {
      const auto own = static_cast<std::size_t>(i - begin);
      const A nll = std::log(totals[own]) + below[own];
      for (std::size_t map = 0; map < maps; ++map) {
        const A weight = weights[map][i];
        sums.weighted[2 * map] += static_cast<double>(weight) * static_cast<double>(nll);
        sums.weighted[2 * map + 1] += static_cast<double>(weight);
      }
    }
  }
  for (std::int64_t c = 0; c < classes; ++c) {
    const auto of = static_cast<std::size_t>(c);
    sums.mass[c] += mass[of / kLanes<double>][of % kLanes<double>];
  }
  sums.not_finite += static_cast<double>(reduce<A>(not_finite, plus));
}

template <class T, std::size_t fixed>
CROSSFADE_INLINE void gradient_of(const PixelRow<T>& row, const SoftmaxScale<T>& scale, const Arithmetic<T>* overlap,
                                  const Arithmetic<T>* nll, T* gradient) {
  using A = Arithmetic<T>;
  using V = Vector<A>;
  const std::int64_t classes = row.classes;
  const std::size_t vectors = fixed > 0 ? fixed : vectors_of<A>(classes), last = vectors - 1;
  const auto plus = [](V & a, const V& b) __attribute__((always_inline)) {
    a += b;
  };
  V marked;
  mark<A>(classes, vectors, marked);
  Row<A> constant{}, slope{}, z, p;
  const std::size_t bytes = static_cast<std::size_t>(classes) * sizeof(A);
  __builtin_memcpy(constant.values.data(), overlap + classes, bytes);
  __builtin_memcpy(slope.values.data(), overlap + 2 * classes, bytes);
  const std::size_t before = last * kLanes<A>, behind = static_cast<std::size_t>(classes) - before;
  for (std::int64_t i = 0; i < row.pixels; ++i) {
    T* const out = gradient + i * classes;
    const std::uint8_t label = row.labels[i];
    if (label == kIgnored) {
      __builtin_memset(out, 0, static_cast<std::size_t>(classes) * sizeof(T));
      continue;
    }
    load_row(row.logits + i * classes, classes, (row.pixels - i) * classes, vectors, marked, z);
    const A largest = scale.largest[i], inverse = scale.inverse[i];
    V all{};
    for (std::size_t n = 0; n < vectors; ++n) {
      V x = z.vectors[n] - largest;
      exp_not_positive(x);
      x *= inverse;
      p.vectors[n] = x;
      z.vectors[n] = x * (constant.vectors[n] + slope.vectors[n] * x);  // p·d, but for the part of the label
      all += z.vectors[n];
    }
    const A at_label = p.values[label] * overlap[label], omega = nll != nullptr ? nll[i] : A(0);
    const A shift = omega - (reduce<A>(all, plus) + at_label);
    for (std::size_t n = 0; n < vectors; ++n) z.vectors[n] += p.vectors[n] * shift;
    z.values[label] += at_label - omega;
    for (std::size_t n = 0; n < last; ++n) data::store(z.vectors[n], out + n * kLanes<A>);
    if (behind == kLanes<A>) {
      data::store(z.vectors[last], out + before);
    } else {
      data::store_few(z.vectors[last], behind, out + before);
    }
  }
}

/// Calls `run` with the number of vectors of a row as a constant, or 0 for many, so that few stay in registers.
template <class A, class Run>
CROSSFADE_INLINE void with_vectors(std::int64_t classes, const Run& run) {
  switch (vectors_of<A>(classes)) {
    case 1:
      return run(std::integral_constant<std::size_t, 1>());
    case 2:  // 28 classes with AVX-512
      return run(std::integral_constant<std::size_t, 2>());
    case 4:  // with AVX2
      return run(std::integral_constant<std::size_t, 4>());
    case 7:  // with SSE2
      return run(std::integral_constant<std::size_t, 7>());
    default:
      return run(std::integral_constant<std::size_t, 0>());
  }
}

template <class T>
void softmax(const PixelRow<T>& row, const Arithmetic<T>* const* weights, std::size_t maps, bool squared,
             const SoftmaxScale<T>& scale, RowSums& sums) {
  with_vectors<Arithmetic<T>>(
      row.classes, [&]<std::size_t n>(std::integral_constant<std::size_t, n>)
                       __attribute__((always_inline)) { softmax_of<T, n>(row, weights, maps, squared, scale, sums); });
}

template <class T>
void write_gradient(const PixelRow<T>& row, const SoftmaxScale<T>& scale, const Arithmetic<T>* overlap,
                    const Arithmetic<T>* nll, T* gradient) {
  with_vectors<Arithmetic<T>>(
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
