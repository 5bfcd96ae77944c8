// How a connection of the HTTPS port begins.

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "allocator/base/log.h"
#include "api/connection.h"

namespace ta {
namespace asio = boost::asio;

// As in connection.cc.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// The Go server's words, which its users search for.
constexpr std::string_view kPlainHttp =
    "Client sent an HTTP request to an HTTPS server.";

// Somebody who fails does so again and again: one line a minute for each kind.
constexpr std::chrono::seconds kLogEach{60};

// The first byte that the client sent, left where it is; nothing if it is gone.
std::optional<char> FirstByte(Stream::Socket& socket) {
  char byte = 0;
  const ssize_t got =
      ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 1 ? std::optional<char>(byte) : std::nullopt;
}

// A method's first letter; TLS begins with the number of a record's kind.
bool BeginsHttp(char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

}  // namespace

Connection::Awaitable<bool> Connection::BeginTls() {
  idle_ = false;
  SetDeadline(shared_.options.handshake_timeout);
  // Nothing is spent on a client that says nothing.
  Stream::Socket& socket = stream_.socket();
  boost::system::error_code ignored;
  const auto client = socket.remote_endpoint(ignored).address();
  const auto [error] =
      co_await socket.async_wait(Stream::Socket::wait_read, kAwait);
  if (worker_.stopping()) co_return false;
  const auto first = error ? std::nullopt : FirstByte(socket);
  if (!first) {
    const bool late = std::chrono::steady_clock::now() >= deadline_;
    CountFailure(late ? TlsFailure::kTimeout : TlsFailure::kClosed,
                 "nothing was sent", client);
    co_return false;
  }
  if (BeginsHttp(*first)) {
    CountFailure(TlsFailure::kPlainHttp, "an HTTP request", client);
    co_await Refuse(400, kPlainHttp);
    co_return false;
  }
  const auto tls = shared_.tls.Get();
  TlsSession& session = stream_.StartTls(*tls);
  const TlsSession::Status status = co_await Handshake(session);
  if (status == TlsSession::Status::kDone) {
    established_ = true;
    Add(shared_.stats.tls.handshakes);
    shared_.stats.tls.connections.fetch_add(1, std::memory_order_relaxed);
    if (shared_.options.https->client_identity) {
      client_names_ = std::make_unique<const std::vector<std::string>>(
          session.ClientNames());
    }
    co_return true;
  }
  if (worker_.stopping()) co_return false;
  if (!socket.is_open()) {
    CountFailure(TlsFailure::kTimeout, "it took too long", client);
    co_return false;
  }
  CountFailure(session.failure(), session.detail(), client);
  // The client shall read why before the connection is taken away.
  co_await Linger();
  co_return false;
}

Connection::Awaitable<TlsSession::Status> Connection::Handshake(
    TlsSession& tls) {
  using Status = TlsSession::Status;
  Stream::Socket& socket = stream_.socket();
  while (true) {
    co_await worker_.handshake_turns().Take();
    const Status status = socket.is_open() ? tls.Handshake() : Status::kEnded;
    worker_.handshake_turns().Give();
    if (status != Status::kWantRead && status != Status::kWantWrite) {
      co_return status;
    }
    const auto what = status == Status::kWantRead ? Stream::Socket::wait_read
                                                  : Stream::Socket::wait_write;
    const auto [error] = co_await socket.async_wait(what, kAwait);
    if (error) co_return Status::kEnded;
  }
}

void Connection::CountFailure(TlsFailure failure, std::string_view detail,
                              const asio::ip::address& client) {
  TlsStats& stats = shared_.stats.tls;
  const auto kind = static_cast<std::size_t>(failure);
  Add(stats.failures[kind]);
  // Port scans and load balancers that only knock are no news.
  if (failure == TlsFailure::kClosed) return;
  const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch() /
                           std::chrono::seconds(1);
  std::int64_t last = stats.logged[kind].load();
  if (last != 0 && now - last < kLogEach.count()) return;
  if (!stats.logged[kind].compare_exchange_strong(last, now)) return;
  Log(Level::kWarn, "no TLS connection with a client",
      {{"client", client.to_string()},
       {"reason", ToString(failure)},
       {"err", detail}});
}

}  // namespace ta
