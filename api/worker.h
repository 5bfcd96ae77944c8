// One thread of the server: an event loop and the connections that live on it.
// Inside api/ only. Everything here but Post and `context` is confined to the
// worker's own thread.

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "api/server_shared.h"
#include "api/turns.h"

namespace ta {

class Connection;

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  using Timer = boost::asio::steady_timer;

  explicit Worker(std::shared_ptr<ServerShared> shared);
  ~Worker();

  boost::asio::io_context& context() { return context_; }
  ServerShared& shared() { return *shared_; }

  // Runs `function` on the worker's thread, soon. Any thread.
  template <typename Function>
  void Post(Function function) {
    boost::asio::post(context_, std::move(function));
  }

  // The thread's body: returns once stopped and without connections.
  void Run();
  // Takes over a new connection.
  void Adopt(boost::asio::ip::tcp::socket socket, Transport transport);
  void Stop();
  bool stopping() const { return stopping_; }

  // A snapshot is newer: requests that are held look at it.
  void WakeHeld();

  // -- for Connection --
  std::list<Connection*>& connections() { return connections_; }
  std::list<Timer*>& held() { return held_; }
  Turns& handshake_turns() { return handshake_turns_; }
  // The value of a Date header, as of the last tick.
  std::string_view date() const { return date_; }

  // A reload whose reply is awaited. The reply finds it by number, because it
  // may come from another thread after connection and server are gone.
  struct Reload {
    Timer* timer;
    std::optional<Result<void>> result;
  };
  std::uint64_t AddReload(Reload* reload);
  void RemoveReload(std::uint64_t id) { reloads_.erase(id); }
  void CompleteReload(std::uint64_t id, Result<void> result);

 private:
  void ScheduleTick();
  void Tick();

  const std::shared_ptr<ServerShared> shared_;
  boost::asio::io_context context_{1};
  Timer ticker_{context_};
  Turns handshake_turns_{context_};
  bool stopping_ = false;
  TimePoint stop_deadline_{};
  std::list<Connection*> connections_;
  std::list<Timer*> held_;
  std::unordered_map<std::uint64_t, Reload*> reloads_;
  std::uint64_t next_reload_ = 0;
  std::string date_;
};

}  // namespace ta
