// A trial's configuration as JSON, whole or as far as it makes the trial what it is.
#pragma once

#include <nlohmann/json.hpp>

#include "runner/grid/config.hpp"

namespace crossfade::runner {

/// Every option with its value, defaults filled in; keys sorted.
nlohmann::json config_json(const TrialConfig& trial);

/// What differs from the defaults, without the variant's name: two trials with equal identity train the same.
nlohmann::json identity_json(const TrialConfig& trial);

}  // namespace crossfade::runner
