#include "runner/trial/trial_events.hpp"

#include <vector>

#include "runner/ranks/agreement.hpp"

namespace crossfade::runner {

bool asked_to_stop(const TrialEvents& events, Group& group, const std::string& error) {
  std::vector<std::int64_t> flags = {error.empty() ? 0 : 1, events.stop_requested && events.stop_requested() ? 1 : 0};
  group.all_reduce_counts(flags);
  if (flags[0] > 0) agree(group.ranks(), error);
  return flags[1] > 0;
}

bool worked_to_the_end(const TrialEvents& events, Group& group,
                       const std::function<void(const std::function<bool()>& stop)>& work) {
  bool left = false;
  work([&] { return left = left || (events.stop_requested && events.stop_requested()); });
  return on_all(group.ranks(), !left);
}

}  // namespace crossfade::runner
