// How ranks come to one mind about what went wrong, so that one of them speaks and all of them end.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "runner/ranks/communicator.hpp"

namespace crossfade::runner {

/// An error that every rank of a communicator knows of and throws: none waits for another, all may go on or end.
struct AgreedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown where another rank has the words.
struct SpokenElsewhere : AgreedError {
  SpokenElsewhere() : AgreedError("another rank reports the error") {}
};

/// Collective: runs `work` on rank 0 and returns on every rank what it returned. What `work` throws becomes an
/// AgreedError with the same words on rank 0; the other ranks throw SpokenElsewhere.
std::string on_root(Communicator& ranks, const std::function<std::string()>& work);

/// Collective: whether it is so on every rank.
bool on_all(Communicator& ranks, bool here);

/// Collective: if any rank comes with an `error` that is not empty, all throw AgreedError with that of the lowest such
/// rank.
void agree(Communicator& ranks, const std::string& error);

/// Collective: runs `work` on every rank; if it fails on any, all throw AgreedError with what describe_failure() says
/// of it.
void together(Communicator& ranks, const std::function<void()>& work);

/// Runs `work` in a world of its own and returns what it returned. An error that is not an AgreedError may have left
/// the other ranks in a collective that this one will never join: the world is ended, with this rank's words.
int run_in_world(const std::function<int(World&)>& work);

/// What run_in_world does then.
[[noreturn]] void end_world(World& world, const std::exception& error);

}  // namespace crossfade::runner
