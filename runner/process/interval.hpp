// How long things take, and doing something now and then, however often one comes by.
#pragma once

#include <chrono>

namespace crossfade::runner {

/// Seconds, of a clock that is never set back.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Interval {
 public:
  explicit Interval(std::chrono::steady_clock::duration length) : length_(length) {}

  /// Whether so much time has passed since it last said so; the first time, at once.
  bool passed() {
    const auto now = std::chrono::steady_clock::now();
    if (last_ != std::chrono::steady_clock::time_point{} && now - last_ < length_) return false;
    last_ = now;
    return true;
  }

 private:
  std::chrono::steady_clock::duration length_;
  std::chrono::steady_clock::time_point last_{};
};

/// How often the study's writer says what is done: `runner status` takes a silence of a minute for death.
inline constexpr std::chrono::seconds kActivity{10};

}  // namespace crossfade::runner
