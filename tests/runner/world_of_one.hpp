// A group of one rank for tests without mpirun.
#pragma once

#include "runner/ranks/communicator.hpp"
#include "runner/ranks/group.hpp"

namespace crossfade::runner {

inline World& world_of_one() {
  static int argc = 0;
  static char** argv = nullptr;
  static World world(argc, argv);
  return world;
}

inline Group group_of_one(torch::Device device = torch::kCPU) {
  return Group(world_of_one().communicator().duplicate(), device);
}

}  // namespace crossfade::runner
