#include "runner/process/version.hpp"

#include "runner/process/build_info.hpp"

namespace crossfade::runner {

std::string version() {
  return std::string(kVersion) + " (git " + kGitCommit + ")";
}

}  // namespace crossfade::runner
