#include "runner/ranks/agreement.hpp"

#include <cstdint>
#include <iostream>

#include "runner/ranks/failure.hpp"

namespace crossfade::runner {

std::string on_root(Communicator& ranks, const std::function<std::string()>& work) {
  constexpr char kDone = '+', kFailed = '-';
  std::string result, error;
  if (ranks.rank() == 0) {
    try {
      result = kDone + work();
    } catch (const std::exception& failure) {
      error = failure.what();
      result = kFailed;
    }
  }
  result = ranks.broadcast(result, 0);
  if (result.front() == kFailed) {
    if (ranks.rank() == 0) throw AgreedError(error);
    throw SpokenElsewhere();
  }
  return result.substr(1);
}

bool on_all(Communicator& ranks, bool here) {
  std::int64_t missing = here ? 0 : 1;
  ranks.all_reduce_sum(&missing, 1, ElementType::kInt64);
  return missing == 0;
}

void agree(Communicator& ranks, const std::string& error) {
  // One reduction where all is well; the words travel only when they are needed.
  if (on_all(ranks, error.empty())) return;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const std::string said = ranks.broadcast(error, rank);
    if (!said.empty()) throw AgreedError(said);
  }
}

void together(Communicator& ranks, const std::function<void()>& work) {
  std::string error;
  try {
    work();
  } catch (const std::exception& failure) {
    error = describe_failure(failure);
  }
  agree(ranks, error);
}

int run_in_world(const std::function<int(World&)>& work) {
  int argc = 0;
  char** argv = nullptr;
  World world(argc, argv);
  try {
    return work(world);
  } catch (const AgreedError&) {
    throw;
  } catch (const std::exception& error) {
    if (world.communicator().size() == 1) throw;
    end_world(world, error);
  }
}

void end_world(World& world, const std::exception& error) {
  std::cerr << "error: rank " << world.communicator().rank() << " on " << world.host() << ": "
            << describe_failure(error) << std::endl;
  world.abort(1);
}

}  // namespace crossfade::runner
