// How the process keeps its heap.
#pragma once

namespace crossfade::runner {

/// Keeps freed memory in the heap: each training step frees the activations that the next one takes again, and so the
/// kernel is not asked for their pages, and does not clear them, every time (docs/performance.md has what it saves). To
/// be called first in main.
void keep_freed_memory();

}  // namespace crossfade::runner
