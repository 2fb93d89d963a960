// Which build this is.
#pragma once

#include <string>

namespace crossfade::runner {

/// "0.1.0 (git 1a2b3c4)"
std::string version();

}  // namespace crossfade::runner
