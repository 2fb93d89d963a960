// Ctrl-C, SIGTERM, and SIGUSR1, which mpirun hands on to all ranks where it answers the others itself. Whatever they
// stop, the same command goes on from where it was; so they end with one exit code.
#pragma once

namespace crossfade::runner {

/// From now on SIGINT, SIGTERM and SIGUSR1 end the process at once, with kExitStopped: what is written appears whole or
/// not at all, so that nothing else is to be done.
void end_at_interrupts();

/// From now on the first of them sets a flag, so that a trial writes its checkpoint first; a second one ends the
/// process.
void watch_interrupts();

/// The signal that came while they were watched, or 0.
int interrupt_signal();

}  // namespace crossfade::runner
