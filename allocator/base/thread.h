// How our threads begin.

#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace ta {

// Runs `body` on a thread of its own, a std::thread or std::jthread, that top
// and debuggers show as `name` (at most 15 bytes). No signal is delivered to
// it: those are for the main thread.
template <typename Thread = std::thread, typename Body>
Thread StartThread(const char* name, Body body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace ta
