#include "runner/process/interrupt.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>

#include "runner/process/exit_codes.hpp"

namespace crossfade::runner {
namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch only lock-free atomics");

extern "C" void end_now(int) {
  std::_Exit(kExitStopped);
}

extern "C" void on_signal(int signal) {
  received.store(signal);
  std::signal(signal, end_now);
}

void handle(void (*handler)(int)) {
  std::signal(SIGINT, handler);
  std::signal(SIGTERM, handler);
  std::signal(SIGUSR1, handler);
}

}  // namespace

void end_at_interrupts() {
  handle(end_now);
}

void watch_interrupts() {
  handle(on_signal);
}

int interrupt_signal() {
  return received.load();
}

}  // namespace crossfade::runner
