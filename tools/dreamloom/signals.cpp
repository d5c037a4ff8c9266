#include <tools/dreamloom/signals.hpp>

#include <atomic>
#include <csignal>

namespace loom {
namespace {

std::atomic<int> pending{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch nothing else");

void set_handler(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

extern "C" void note_signal(int signal) { pending = signal; }

}  // namespace

StopSignals::StopSignals() {
  pending = 0;
  // SA_RESETHAND: whoever presses Ctrl-C twice does not want to wait.
  for (int const signal : {SIGINT, SIGTERM}) {
    set_handler(signal, note_signal, static_cast<int>(SA_RESTART | SA_RESETHAND));
  }
}

StopSignals::~StopSignals() {
  for (int const signal : {SIGINT, SIGTERM}) set_handler(signal, SIG_DFL, 0);
}

int StopSignals::received() { return pending; }

}  // namespace loom
