#include "discovery/running.h"

#include <utility>

namespace ta {

void Gate::Discovered(DiscoveryUpdate update) {
  const std::lock_guard lock(mutex_);
  if (shut_) return;
  update.instance = instance_;
  sink_->Discovered(std::move(update));
}

void Gate::Members(MembersUpdate update) {
  const std::lock_guard lock(mutex_);
  if (shut_) return;
  if (update.complete) {
    has_answered_ = true;
    if (const auto answered = std::exchange(answered_, nullptr)) answered();
  }
  sink_->Members(std::move(update));
}

void Gate::Shut() {
  const std::lock_guard lock(mutex_);
  shut_ = true;
}

bool Gate::ShutUnlessAnswered() {
  const std::lock_guard lock(mutex_);
  shut_ = !has_answered_;
  return shut_;
}

Retirement::Retirement() : thread_([this] { Run(); }) {}

Retirement::~Retirement() { Stop(); }

void Retirement::Add(std::unique_ptr<RunningDiscoverer> running) {
  if (running == nullptr) return;
  running->gate.Shut();
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(running));
  wake_.notify_one();
}

void Retirement::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Retirement::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::unique_ptr<RunningDiscoverer> running =
        std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    running->discoverer->Stop();
    lock.lock();
  }
}

}  // namespace ta
