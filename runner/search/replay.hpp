// A search whose every point is known, tried again by each method: which finds a good one soonest?
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/search/search_options.hpp"

namespace crossfade::runner {

/// What a search over all points of its space found. Precondition: every point has each seed.
struct KnownSearch {
  Search search;
  std::vector<Point> points;
  std::vector<std::vector<double>> dice;    // of each point: what ranks it, one a seed
  std::vector<double> epochs;               // of each point for itself, with all seeds
  std::vector<std::vector<double>> shared;  // epochs that two points train alike
};

/// After a candidate: what was trained by then, what is trained alike counted once, and by how much the best point of
/// all lies above the one that the search would choose now, both by their mean over all seeds.
struct ReplayStep {
  double epochs = 0, regret = 0;
};

/// Why the search can't be tried again by `method`, which would ask for points that are not known; empty where it can.
std::string replay_fault(const KnownSearch& known, const std::string& method);

/// The search by `method`, as if it had met as many of the known seeds drawn with replacement, with `seed` for these
/// and for its own choices. It ends where its method does, or when all points are tried. Precondition: replay_fault()
/// has none to say.
std::vector<ReplayStep> replay(const KnownSearch& known, const std::string& method, std::uint64_t seed);

/// Over many replays, at a cost.
struct RegretQuartiles {
  double epochs = 0, low = 0, median = 0, high = 0;
};

/// Quartiles over `replays` of their regret at each of the costs at which any of them has a step; before its first step
/// a replay has the regret of the worst point of all.
std::vector<RegretQuartiles> regret_at_costs(const KnownSearch& known,
                                             const std::vector<std::vector<ReplayStep>>& replays);

}  // namespace crossfade::runner
