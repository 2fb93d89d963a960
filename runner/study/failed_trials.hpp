// Whether a failure may be the machine's fault that a trial ran on.
#pragma once

#include <map>
#include <utility>

namespace crossfade::runner {

/// A trial that fails in one place is tried once more in another, and has failed for good where that fails, too: a
/// broken GPU or mount would otherwise fail all that is left within minutes.
class FailedTrials {
 public:
  /// Where each group of ranks works, by its leader's rank: places_of_groups().
  explicit FailedTrials(std::map<int, int> places) : places_(std::move(places)) {}

  /// The trial failed on the group of this leader. Whether it is to be tried elsewhere.
  bool failed(int trial, int leader);
  /// Whether all groups may take whatever there is.
  bool none() const { return failed_in_.empty(); }
  bool contains(int trial) const { return failed_in_.contains(trial); }
  /// False where it has failed in the place of this group.
  bool may_take(int trial, int leader) const;

 private:
  std::map<int, int> places_;
  std::map<int, int> failed_in_;  // place by trial, of the first failure
};

}  // namespace crossfade::runner
