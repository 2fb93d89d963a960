// The world that all tests of this program share.
#pragma once

#include "runner/ranks/communicator.hpp"

namespace crossfade::runner {

/// Made and ended by main().
World& test_world();

}  // namespace crossfade::runner
