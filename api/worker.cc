#include "api/worker.h"

#include <cstdio>
#include <ctime>

#include "api/connection.h"

namespace ta {
namespace {

std::string HttpDate() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  // Not strftime's names, which follow the locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed",
                                          "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr",
                                            "May", "Jun", "Jul", "Aug",
                                            "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon],
                parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                parts.tm_sec);
  return text;
}

}  // namespace

Worker::Worker(std::shared_ptr<ServerShared> shared)
    : shared_(std::move(shared)), date_(HttpDate()) {}

Worker::~Worker() = default;

void Worker::Run() {
  ScheduleTick();
  context_.run();
}

void Worker::Adopt(boost::asio::ip::tcp::socket socket, Transport transport) {
  auto connection =
      std::make_shared<Connection>(std::move(socket), transport, *this);
  if (!stopping_) connection->Start();
}

void Worker::Stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_deadline_ =
      std::chrono::steady_clock::now() + shared_->options.stop_timeout;
  for (Connection* connection : connections_) {
    if (!connection->answering()) connection->Close();
  }
  WakeHeld();
  for (const auto& [id, reload] : reloads_) reload->timer->cancel();
  ticker_.cancel();
}

void Worker::WakeHeld() {
  for (Timer* timer : held_) timer->cancel();
}

void Worker::ScheduleTick() {
  // Shorter while stopping: nothing is left to spare.
  const auto interval =
      stopping_ ? std::chrono::milliseconds(5) : shared_->options.tick;
  ticker_.expires_after(interval);
  ticker_.async_wait([this](const boost::system::error_code&) { Tick(); });
}

void Worker::Tick() {
  const TimePoint now = std::chrono::steady_clock::now();
  date_ = HttpDate();
  const bool too_late = stopping_ && now >= stop_deadline_;
  for (Connection* connection : connections_) {
    if (too_late || (stopping_ && !connection->answering())) {
      connection->Close();
    } else {
      connection->CheckDeadline(now);
    }
  }
  // Without a next tick the loop ends with the last connection.
  if (stopping_ && connections_.empty()) return;
  ScheduleTick();
}

std::uint64_t Worker::AddReload(Reload* reload) {
  reloads_.emplace(next_reload_, reload);
  return next_reload_++;
}

void Worker::CompleteReload(std::uint64_t id, Result<void> result) {
  const auto found = reloads_.find(id);
  if (found == reloads_.end()) return;
  found->second->result = std::move(result);
  found->second->timer->cancel();
}

}  // namespace ta
