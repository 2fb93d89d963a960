// Vectors as long as a register, for the loops that crossfade_kernels() (cmake/Settings.cmake) compiles for several
// instruction sets, and for them alone: what is here means something else in each of them, so all of it is inlined.
//
// References throughout: a vector as an argument is passed otherwise by each instruction set. Memory is copied by
// builtins, and loops are written out: the linker keeps one of the inline functions that several files bring, and it
// may be one that this machine can't run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "data/bfloat16.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define CROSSFADE_INLINE [[gnu::always_inline]] inline

namespace crossfade::data {
namespace {

#if defined(__AVX512F__)
constexpr std::size_t kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr std::size_t kVectorBytes = 32;
#else
constexpr std::size_t kVectorBytes = 16;
#endif

template <class A>
constexpr std::size_t kLanes = kVectorBytes / sizeof(A);

using Floats [[gnu::vector_size(kVectorBytes)]] = float;
using Doubles [[gnu::vector_size(kVectorBytes)]] = double;
using Words [[gnu::vector_size(kVectorBytes)]] = std::uint32_t;
using HalfWords [[gnu::vector_size(kVectorBytes / 2)]] = std::uint16_t;
using HalfFloats [[gnu::vector_size(kVectorBytes / 2)]] = float;

template <class A>
using Vector = std::conditional_t<std::is_same_v<A, double>, Doubles, Floats>;

#if defined(__AVX512F__)
// GCC 12 makes several instructions of these conversions where there is one, and warns of the forms without a mask.
CROSSFADE_INLINE Words words_of(const HalfWords& half) {
  return reinterpret_cast<Words>(_mm512_maskz_cvtepu16_epi32(0xFFFF, reinterpret_cast<__m256i>(half)));
}
CROSSFADE_INLINE HalfWords lower_halves_of(const Words& words) {
  return reinterpret_cast<HalfWords>(_mm512_maskz_cvtepi32_epi16(0xFFFF, reinterpret_cast<__m512i>(words)));
}
#else
CROSSFADE_INLINE Words words_of(const HalfWords& half) {
  return __builtin_convertvector(half, Words);
}
CROSSFADE_INLINE HalfWords lower_halves_of(const Words& words) {
  return __builtin_convertvector(words, HalfWords);
}
#endif

/// All lanes alike.
template <class A>
CROSSFADE_INLINE void fill(Vector<A>& v, A value) {
  v = value - Vector<A>{};  // x - 0 is x, whatever its sign: one instruction where x + 0 takes two
}

CROSSFADE_INLINE void load(const float* from, Floats& to) {
  __builtin_memcpy(&to, from, sizeof to);
}
CROSSFADE_INLINE void load(const double* from, Doubles& to) {
  __builtin_memcpy(&to, from, sizeof to);
}
CROSSFADE_INLINE void load(const Bfloat16* from, Floats& to) {
  HalfWords half;
  __builtin_memcpy(&half, from, sizeof half);
  const Words words = words_of(half) << 16U;
  __builtin_memcpy(&to, &words, sizeof to);
}

CROSSFADE_INLINE void store(const Floats& from, float* to) {
  __builtin_memcpy(to, &from, sizeof from);
}
CROSSFADE_INLINE void store(const Doubles& from, double* to) {
  __builtin_memcpy(to, &from, sizeof from);
}
/// To nearest, ties to even. A NaN that arithmetic made stays one.
CROSSFADE_INLINE void store(const Floats& from, Bfloat16* to) {
  Words words;
  __builtin_memcpy(&words, &from, sizeof words);
  words = (words + 0x7FFFU + ((words >> 16U) & 1U)) >> 16U;
  const HalfWords half = lower_halves_of(words);
  __builtin_memcpy(to, &half, sizeof half);
}

#if defined(__AVX512F__)
// By masks: what is copied into a row of lanes in parts would have to reach memory before it can be loaded as a whole.
CROSSFADE_INLINE unsigned first_lanes(std::size_t count) {
  return (1U << count) - 1U;
}

/// The first `count` lanes, fewer than all; the others are 0.
CROSSFADE_INLINE void load_few(const float* from, std::size_t count, Floats& to) {
  to = _mm512_maskz_loadu_ps(static_cast<__mmask16>(first_lanes(count)), from);
}
CROSSFADE_INLINE void load_few(const double* from, std::size_t count, Doubles& to) {
  to = _mm512_maskz_loadu_pd(static_cast<__mmask8>(first_lanes(count)), from);
}
CROSSFADE_INLINE void load_few(const Bfloat16* from, std::size_t count, Floats& to) {
  const auto mask = static_cast<__mmask16>(first_lanes(count));
  const Words words = words_of(reinterpret_cast<HalfWords>(_mm256_maskz_loadu_epi16(mask, from))) << 16U;
  to = reinterpret_cast<Floats>(words);
}

CROSSFADE_INLINE void store_few(const Floats& from, std::size_t count, float* to) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>(first_lanes(count)), from);
}
CROSSFADE_INLINE void store_few(const Doubles& from, std::size_t count, double* to) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>(first_lanes(count)), from);
}
CROSSFADE_INLINE void store_few(const Floats& from, std::size_t count, Bfloat16* to) {
  Bfloat16 lanes[kLanes<float>];
  store(from, lanes);
  __m256i half;
  __builtin_memcpy(&half, lanes, sizeof half);
  _mm256_mask_storeu_epi16(to, static_cast<__mmask16>(first_lanes(count)), half);
}
#else
/// The first `count` elements, fewer than `most`, in few copies of fixed size.
template <std::size_t most, class T>
CROSSFADE_INLINE void copy_few(const T* from, T* to, std::size_t count) {
  if constexpr (most > 1) {
    constexpr std::size_t half = most / 2;
    if (count >= half) {
      __builtin_memcpy(to, from, half * sizeof(T));
      from += half;
      to += half;
      count -= half;
    }
    copy_few<half>(from, to, count);
  }
}

/// The first `count` lanes, fewer than all; the others are 0.
template <class T>
CROSSFADE_INLINE void load_few(const T* from, std::size_t count, Vector<Arithmetic<T> >& to) {
  T lanes[kLanes<Arithmetic<T> >] = {};
  copy_few<kLanes<Arithmetic<T> > >(from, lanes, count);
  load(lanes, to);
}

template <class T>
CROSSFADE_INLINE void store_few(const Vector<Arithmetic<T> >& from, std::size_t count, T* to) {
  T lanes[kLanes<Arithmetic<T> >];
  store(from, lanes);
  copy_few<kLanes<Arithmetic<T> > >(lanes, to, count);
}
#endif

/// A vector as doubles, in one or two.
CROSSFADE_INLINE void widen(const Floats& x, Doubles* to) {
#if defined(__AVX512F__)
  const auto low = _mm512_maskz_extractf64x4_pd(0xF, reinterpret_cast<__m512d>(x), 0),
             high = _mm512_maskz_extractf64x4_pd(0xF, reinterpret_cast<__m512d>(x), 1);
  to[0] = _mm512_maskz_cvtps_pd(0xFF, reinterpret_cast<__m256>(low));
  to[1] = _mm512_maskz_cvtps_pd(0xFF, reinterpret_cast<__m256>(high));
#else
  HalfFloats low, high;
  __builtin_memcpy(&low, &x, sizeof low);
  __builtin_memcpy(&high, reinterpret_cast<const char*>(&x) + sizeof low, sizeof high);
  to[0] = __builtin_convertvector(low, Doubles);
  to[1] = __builtin_convertvector(high, Doubles);
#endif
}
CROSSFADE_INLINE void widen(const Doubles& x, Doubles* to) {
  to[0] = x;
}

/// Joins what lies `half` lanes apart by `join(a, b)`, which changes a.
template <std::size_t half, class V, class Join, std::size_t... k>
CROSSFADE_INLINE void join_halves(V& v, const Join& join, std::index_sequence<k...>) {
  join(v, __builtin_shufflevector(v, v, static_cast<int>((k + half) % sizeof...(k))...));
}

/// All lanes of `x`, a vector of A, joined by halves, then by halves of those, ...
template <class A, class V, class Join>
CROSSFADE_INLINE A reduce(const V& x, const Join& join) {
  constexpr std::size_t count = kLanes<A>;
  constexpr std::make_index_sequence<count> lanes;
  V v = x;
  if constexpr (count > 8) join_halves<8>(v, join, lanes);
  if constexpr (count > 4) join_halves<4>(v, join, lanes);
  if constexpr (count > 2) join_halves<2>(v, join, lanes);
  join_halves<1>(v, join, lanes);
  return v[0];
}

/// Vectors that the numbers of a pixel fill, of which there are 1 to 256: `fixed`, or counted where that is 0.
template <class A, std::size_t fixed = 0>
CROSSFADE_INLINE std::size_t vectors_of(std::int64_t channels) {
  if constexpr (fixed > 0) return fixed;
  if (channels < 1) __builtin_unreachable();
  return (static_cast<std::size_t>(channels) + kLanes<A> - 1) / kLanes<A>;
}

/// At most so many.
template <class A, std::size_t fixed>
constexpr std::size_t kMostVectors = fixed > 0 ? fixed : 256 / kLanes<A>;

/// Calls `run` with the number of vectors of a pixel as a constant, or 0 for many, so that few stay in registers.
template <class A, class Run>
CROSSFADE_INLINE void with_vectors(std::int64_t channels, const Run& run) {
  switch (vectors_of<A>(channels)) {
    case 1:
      return run(std::integral_constant<std::size_t, 1>());
    case 2:  // 28 floats with AVX-512
      return run(std::integral_constant<std::size_t, 2>());
    case 4:  // with AVX2
      return run(std::integral_constant<std::size_t, 4>());
    case 7:  // with SSE2
      return run(std::integral_constant<std::size_t, 7>());
    default:
      return run(std::integral_constant<std::size_t, 0>());
  }
}

/// Pixels of so many vectors that are worked on side by side: one pixel's chain of dependent instructions is longer
/// than a processor looks ahead.
template <std::size_t vectors>
constexpr std::size_t kGroup = vectors == 1 || vectors == 2 ? 4
                               : vectors == 4               ? 2
                                                            : 1;

/// Calls `body` with an index and the number of pixels to take from there on, a constant.
template <std::size_t group, class Body>
CROSSFADE_INLINE void each_group(std::int64_t count, const Body& body) {
  std::int64_t k = 0;
  for (; k + static_cast<std::int64_t>(group) <= count; k += group)
    body(k, std::integral_constant<std::size_t, group>());
  for (; k < count; ++k) body(k, std::integral_constant<std::size_t, 1>());
}

/// How many Doubles a vector of A is.
template <class A>
constexpr std::size_t kWide = sizeof(double) / sizeof(A);

}  // namespace
}  // namespace crossfade::data
