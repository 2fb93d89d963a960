#pragma once

#include <cstdint>

namespace crossfade::schedules {

/// The label of pixels that nobody has judged: they are absent from all sums, and their dL/dz is 0. They are no edge to
/// the boundary weights.
inline constexpr std::int64_t kIgnored = 255;

}  // namespace crossfade::schedules
