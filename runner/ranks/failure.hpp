// One line about what was thrown.
#pragma once

#include <exception>
#include <string>

namespace crossfade::runner {

/// "out of memory" for an allocation that failed on the host, the message without the stack trace for an error of
/// LibTorch's, what() otherwise; "on rank R (HOST)" is left to the caller, who knows them.
std::string describe_failure(const std::exception& failure);

}  // namespace crossfade::runner
