// How many files the process may have open.
#pragma once

namespace crossfade::runner {

/// Raises the limit as far as the process itself may: a trial keeps all shards of its cohort open, and 1,024, as many
/// systems have it, are fewer than a large cohort has scans. What can't be raised stays as it is.
void allow_open_files() noexcept;

}  // namespace crossfade::runner
