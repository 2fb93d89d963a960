// How ranks come to one mind about what went wrong, so that one of them speaks and all of them end.
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "runner/communicator.hpp"

namespace crossfade::runner {

/// Thrown where another rank has the words.
struct SpokenElsewhere : std::exception {
  const char* what() const noexcept override { return "another rank reports the error"; }
};

/// Collective: runs `work` on rank 0 and returns on every rank what it returned. What `work` throws is rethrown on rank
/// 0; the other ranks throw SpokenElsewhere.
std::string on_root(Communicator& ranks, const std::function<std::string()>& work);

/// Collective: if any rank comes with an `error` that is not empty, all throw std::runtime_error with that of the
/// lowest such rank.
void agree(Communicator& ranks, const std::string& error);

}  // namespace crossfade::runner
