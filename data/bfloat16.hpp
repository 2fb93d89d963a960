// bfloat16 in memory, for loops over plain memory that are compiled for several instruction sets.
#pragma once

#include <cstdint>
#include <type_traits>

namespace crossfade::data {

/// The upper half of a float.
struct Bfloat16 {
  std::uint16_t bits;
};

/// What numbers of type T (float, double, Bfloat16) are computed in.
template <class T>
using Arithmetic = std::conditional_t<std::is_same_v<T, double>, double, float>;

}  // namespace crossfade::data
