#include "runner/study/failed_trials.hpp"

#include <algorithm>

namespace crossfade::runner {

bool FailedTrials::failed(int trial, int leader) {
  const int here = places_.at(leader);
  const bool is_first = failed_in_.try_emplace(trial, here).second;
  return is_first && std::ranges::any_of(places_, [&](const auto& group) { return group.second != here; });
}

bool FailedTrials::may_take(int trial, int leader) const {
  const auto failed = failed_in_.find(trial);
  return failed == failed_in_.end() || failed->second != places_.at(leader);
}

}  // namespace crossfade::runner
