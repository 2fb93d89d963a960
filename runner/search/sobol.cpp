#include "runner/search/sobol.hpp"

#include <ATen/ops/_sobol_engine_draw.h>
#include <ATen/ops/_sobol_engine_initialize_state.h>
#include <ATen/ops/zeros.h>

#include "data/random.hpp"

namespace crossfade::runner {
namespace {

constexpr std::int64_t kBits = 30;  // of LibTorch's direction numbers

}  // namespace

std::vector<std::vector<double>> sobol_points(std::size_t dimensions, std::size_t count, std::uint64_t seed) {
  std::vector<std::vector<double>> points(count, std::vector<double>(dimensions));
  const auto width = static_cast<std::int64_t>(dimensions), more = static_cast<std::int64_t>(count) - 1;
  if (more > 0) {  // LibTorch's own begins behind the first, which is 0
    at::Tensor directions = at::zeros({width, kBits}, at::kLong);
    at::_sobol_engine_initialize_state_(directions, width);
    const auto [drawn, state] =
        at::_sobol_engine_draw(at::zeros({width}, at::kLong), more, directions, width, 0, at::kDouble);
    const auto values = drawn.accessor<double, 2>();
    for (std::int64_t p = 0; p < more; ++p)
      for (std::int64_t d = 0; d < width; ++d)
        points[static_cast<std::size_t>(p) + 1][static_cast<std::size_t>(d)] = values[p][d];
  }
  if (seed == 0) return points;
  data::Random random(seed, data::Purpose::kSearch);
  for (std::size_t d = 0; d < dimensions; ++d) {
    const double shift = random.uniform();
    for (std::vector<double>& point : points) {
      const double moved = point[d] + shift;
      point[d] = moved < 1 ? moved : moved - 1;
    }
  }
  return points;
}

}  // namespace crossfade::runner
