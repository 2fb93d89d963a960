// Vectors as long as a register, for the loops that crossfade_kernels() (cmake/Settings.cmake) compiles for several
// instruction sets, and for them alone: what is here means something else in each of them, so all of it is inlined.
//
// References throughout: a vector as an argument is passed otherwise by each instruction set. Memory is copied by
// builtins, and loops are written out: the linker keeps one of the inline functions that several files bring, and it
// may be one that this machine can't run.
#pragma once

#include <cstddef>
#include <cstdint>

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
  v = Vector<A>{} + value;
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
CROSSFADE_INLINE void load_few(const T* from, std::size_t count, Vector<Arithmetic<T>>& to) {
  T lanes[kLanes<Arithmetic<T>>] = {};
  copy_few<kLanes<Arithmetic<T>>>(from, lanes, count);
  load(lanes, to);
}

template <class T>
CROSSFADE_INLINE void store_few(const Vector<Arithmetic<T>>& from, std::size_t count, T* to) {
  T lanes[kLanes<Arithmetic<T>>];
  store(from, lanes);
  copy_few<kLanes<Arithmetic<T>>>(lanes, to, count);
}

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

/// How many Doubles a vector of A is.
template <class A>
constexpr std::size_t kWide = sizeof(double) / sizeof(A);

}  // namespace
}  // namespace crossfade::data
