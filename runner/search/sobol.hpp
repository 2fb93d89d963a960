// Points that fill a cube evenly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace crossfade::runner {

/// The first `count` points of LibTorch's Sobol sequence (direction numbers of Joe and Kuo 2008), each moved by one
/// vector that `seed` gives, modulo 1 (Cranley and Patterson 1976): rows of coordinates in [0, 1). Seed 0 moves
/// nothing. Preconditions: 1 to 21201 dimensions, 1 to 2^30 points.
std::vector<std::vector<double>> sobol_points(std::size_t dimensions, std::size_t count, std::uint64_t seed);

}  // namespace crossfade::runner
