// What is to be said of a cohort's files, to the person at the terminal.
#pragma once

#include <string>
#include <vector>

#include "data/cohorts/remarks.hpp"

namespace crossfade::runner {

/// Warnings for what may be a fault, messages for the rest, each behind `prefix`.
void log_remarks(const std::vector<data::Remark>& remarks, const std::string& prefix);

}  // namespace crossfade::runner
