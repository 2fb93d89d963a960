// What a piece of work complains of.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace crossfade {

/// The message of the std::runtime_error that `work` throws, or "no error".
inline std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace crossfade
