// Ctrl-C and SIGTERM: asked for, not obeyed at once, so that a trial writes its checkpoint first.
#pragma once

namespace crossfade::runner {

/// From now on the first SIGINT or SIGTERM sets a flag; a second one ends the process at once.
void watch_interrupts();

/// The signal that came, or 0.
int interrupt_signal();

}  // namespace crossfade::runner
