#include "discovery/io_thread.h"

#include "allocator/base/thread.h"

namespace ta {

IoThread::~IoThread() { Stop(); }

boost::asio::any_io_executor IoThread::executor() {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) {
    work_.emplace(loop_.get_executor());
    thread_ = StartThread(name_, [this] { loop_.run(); });
  }
  return loop_.get_executor();
}

void IoThread::Stop() {
  const std::lock_guard lock(mutex_);
  work_.reset();
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace ta
