// What `runner` exits with; docs/commands.md says it to its users.
#pragma once

namespace crossfade::runner {

inline constexpr int kExitFailed = 1;    // a trial failed, or what was found could not be stored, written or printed
inline constexpr int kExitRefused = 2;   // the command line, the grid or the data are at fault: nothing came of it
inline constexpr int kExitStopped = 75;  // a signal stopped it; the same command goes on from there

}  // namespace crossfade::runner
