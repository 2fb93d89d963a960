// Where and with what a run is made.
#pragma once

#include <map>
#include <string>

#include "analysis/results/results.hpp"
#include "runner/ranks/communicator.hpp"

namespace crossfade::runner {

struct Workers;

/// Of this process alone, without MPI or a cohort.
analysis::Provenance local_provenance();

/// `cohorts`: hash by name. `with_atlases`: among its libraries are those that register and fuse atlases.
analysis::Provenance provenance(World& world, const Workers& workers, const std::map<std::string, std::string>& cohorts,
                                bool with_atlases);

}  // namespace crossfade::runner
