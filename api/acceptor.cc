#include "api/acceptor.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <string_view>
#include <utility>

#include "allocator/base/log.h"
#include "api/listen.h"

namespace ta {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Without free file descriptors, or memory, accepting fails at once and again.
constexpr std::chrono::milliseconds kAcceptPause{100};

constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 33\r\n"
    "Connection: close\r\n"
    "\r\n"
    "{\"error\":\"too many connections\"}\n";

}  // namespace

Acceptor::Acceptor(ServerShared& shared, const Workers& workers,
                   Transport transport, std::size_t max_connections)
    : shared_(shared),
      workers_(workers),
      transport_(transport),
      max_connections_(max_connections),
      acceptor_(workers[0]->context()),
      pause_(workers[0]->context()) {}

Result<void> Acceptor::Listen(const std::string& address) {
  const auto parsed = ParseListenAddress(address);
  if (!parsed) return std::unexpected(parsed.error());
  auto listening = ta::Listen(workers_[0]->context(), *parsed);
  if (!listening) {
    return std::unexpected(
        std::move(listening.error()).Within("listen on " + address));
  }
  acceptor_ = *std::move(listening);
  boost::system::error_code ignored;
  port_ = acceptor_.local_endpoint(ignored).port();
  return {};
}

void Acceptor::Close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void Acceptor::Accept() {
  const std::size_t worker = next_++ % workers_.size();
  acceptor_.async_accept(
      workers_[worker]->context(),
      [this, worker](const boost::system::error_code& error, Socket socket) {
        Accepted(error, std::move(socket), worker);
      });
}

void Acceptor::Accepted(const boost::system::error_code& error, Socket socket,
                        std::size_t worker) {
  if (!acceptor_.is_open()) return;
  ServerStats& stats = shared_.stats;
  if (error) {
    stats.accept_failures.fetch_add(1, std::memory_order_relaxed);
    // The client was gone already.
    if (error == asio::error::connection_aborted) return Accept();
    if (!failing_) {
      Log(Level::kWarn, "cannot accept connections, trying again",
          {{"err", error.message()},
           {"connections", stats.connections.load()}});
    }
    failing_ = true;
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled && acceptor_.is_open()) Accept();
    });
    return;
  }
  if (failing_) Log(Level::kInfo, "accepting connections again");
  failing_ = false;
  const auto open = static_cast<std::size_t>(
      std::max<std::int64_t>(stats.connections.load(), 0));
  if (open >= max_connections_) {
    Refuse(std::move(socket));
  } else {
    refusing_ = false;
    stats.accepted.fetch_add(1, std::memory_order_relaxed);
    Worker* const raw = workers_[worker].get();
    raw->Post(
        [raw, transport = transport_, socket = std::move(socket)]() mutable {
          raw->Adopt(std::move(socket), transport);
        });
  }
  Accept();
}

void Acceptor::Refuse(Socket socket) {
  shared_.stats.refused.fetch_add(1, std::memory_order_relaxed);
  if (!refusing_) {
    Log(Level::kWarn, "refusing connections, there are too many",
        {{"limit", max_connections_}});
  }
  refusing_ = true;
  if (transport_ == Transport::kTls) return;  // who closes says enough
  // Best effort: what doesn't fit into an empty socket buffer is lost.
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(kTooMany), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace ta
