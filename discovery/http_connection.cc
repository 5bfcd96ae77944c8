#include "discovery/http_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <utility>

#include "discovery/async_wait.h"
#include "discovery/http_response.h"

namespace ta {
namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// A peer that vanished is noticed also while nobody waits for it.
constexpr int kKeepAliveSeconds = 30;

std::unexpected<Error> Retry(std::string message) {
  return std::unexpected(Error{Error::Code::kRetry, std::move(message)});
}

void SetOptions(tcp::socket& socket) {
  ErrorCode ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = socket.native_handle();
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveSeconds, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveSeconds, sizeof(int));
}

}  // namespace

std::string Reason(const ErrorCode& error) {
  std::string text = error.message();
  // "Connection refused", but not "EOF" or "SSL".
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

std::string HttpConnection::Route::Key() const {
  return url.scheme + "://" + url.HostPort() +
         (proxy ? " " + proxy->scheme + "://" + proxy->HostPort() : "");
}

// Sets a deadline and a stop for what follows in its scope.
class HttpConnection::Guard {
 public:
  Guard(HttpConnection& connection, TimePoint deadline, std::stop_token stop)
      : connection_(connection), on_stop_(std::move(stop), [&connection] {
          connection.Abort(Why::kStopped);
        }) {
    connection.SetDeadline(deadline);
  }
  ~Guard() { connection_.deadline_ = TimePoint::max(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  HttpConnection& connection_;
  std::stop_callback<std::function<void()>> on_stop_;
};

HttpConnection::HttpConnection(asio::any_io_executor executor)
    : executor_(executor), socket_(executor), timer_(executor) {}

HttpConnection::~HttpConnection() = default;

// One timer for all: it is only moved when the deadline is nearer than what it
// waits for, so that a stream of small pieces costs no timer each.
void HttpConnection::SetDeadline(TimePoint deadline) {
  deadline_ = deadline;
  if (timer_waits_ && timer_.expiry() <= deadline) return;
  timer_.expires_at(deadline);
  WaitForDeadline();
}

void HttpConnection::WaitForDeadline() {
  timer_waits_ = true;
  timer_.async_wait([weak = weak_from_this()](const ErrorCode& error) {
    const auto self = weak.lock();
    if (!self || error) return;
    if (std::chrono::steady_clock::now() >= self->deadline_) {
      self->timer_waits_ = false;
      self->Abort(Why::kTimeout);
    } else if (self->deadline_ == TimePoint::max()) {
      self->timer_waits_ = false;
    } else {
      self->timer_.expires_at(self->deadline_);
      self->WaitForDeadline();
    }
  });
}

void HttpConnection::Abort(Why why) {
  if (why_ == Why::kOpen) why_ = why;
  Close();
}

void HttpConnection::Close() {
  ErrorCode ignored;
  socket_.close(ignored);
  timer_.cancel();
  timer_waits_ = false;
}

Error HttpConnection::Failure(const ErrorCode& error) const {
  switch (why_) {
    case Why::kTimeout:
      return {Error::Code::kRetry, "timed out"};
    case Why::kStopped:
      return {Error::Code::kRetry, "stopped"};
    case Why::kOpen:
      break;
  }
  if (error == asio::ssl::error::stream_truncated ||
      error == asio::error::eof) {
    return {Error::Code::kRetry, "the server closed the connection"};
  }
  return {Error::Code::kRetry, Reason(error)};
}

asio::awaitable<Result<void>> HttpConnection::Connect(std::string host,
                                                      std::uint16_t port,
                                                      HttpTimeouts timeouts,
                                                      TimePoint deadline,
                                                      std::stop_token stop) {
  const auto found = co_await ResolveHost(
      executor_, host, port,
      std::min(deadline, std::chrono::steady_clock::now() + timeouts.resolve),
      stop);
  if (!found) co_return Retry("resolve " + host + ": " + found.error().message);
  Error last;
  for (const tcp::endpoint& endpoint : *found) {
    ErrorCode ignored;
    socket_.close(ignored);
    why_ = Why::kOpen;
    const Guard guard(
        *this,
        std::min(deadline, std::chrono::steady_clock::now() + timeouts.connect),
        stop);
    ErrorCode error = asio::error::operation_aborted;
    if (why_ == Why::kOpen) {
      std::tie(error) = co_await socket_.async_connect(endpoint, kAwait);
    }
    if (!error && why_ == Why::kOpen) {
      SetOptions(socket_);
      co_return Result<void>();
    }
    last = Failure(error);
    last.message = fmt::format(
        "connect {}{}{}:{}: {}", endpoint.address().is_v6() ? "[" : "",
        endpoint.address().to_string(), endpoint.address().is_v6() ? "]" : "",
        port, last.message);
    if (why_ == Why::kStopped || std::chrono::steady_clock::now() >= deadline) {
      break;
    }
  }
  co_return std::unexpected(std::move(last));
}

template <typename Stream>
asio::awaitable<Result<void>> HttpConnection::Handshake(
    Stream& stream, std::shared_ptr<const TlsContext> tls, std::string host,
    TimePoint deadline, std::stop_token stop) {
  SSL* ssl = stream.native_handle();
  if (auto prepared = PrepareTls(ssl, *tls, host); !prepared) {
    co_return std::unexpected(std::move(prepared.error()).Within("TLS"));
  }
  const Guard guard(*this, deadline, stop);
  ErrorCode error = asio::error::operation_aborted;
  if (why_ == Why::kOpen) {
    std::tie(error) =
        co_await stream.async_handshake(asio::ssl::stream_base::client, kAwait);
  }
  if (!error && why_ == Why::kOpen) co_return Result<void>();
  std::string fault = CertificateFault(ssl, *tls, host);
  if (why_ != Why::kOpen || fault.empty()) fault = Failure(error).message;
  co_return Retry("TLS: " + fault);
}

asio::awaitable<Result<void>> HttpConnection::Tunnel(Route route,
                                                     TimePoint deadline,
                                                     std::stop_token stop) {
  const std::string to = route.url.HostPort();
  std::string request =
      fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\n", to, to);
  for (const auto& [name, value] : route.connect_headers) {
    request += fmt::format("{}: {}\r\n", name, value);
  }
  if (route.proxy->has_user &&
      !FindHeader(route.connect_headers, "Proxy-Authorization")) {
    request += fmt::format(
        "Proxy-Authorization: {}\r\n",
        BasicAuthorization(route.proxy->user, route.proxy->password));
  }
  request += "\r\n";
  const Outcome written = co_await Write(request, deadline, stop);
  if (written.error) co_return std::unexpected(*written.error);

  HttpResponseParser parser(HttpResponseParser::Body::kNone, {},
                            [](std::string_view) { return Result<void>(); });
  std::string pending;
  std::array<char, 4096> piece;
  while (!parser.done()) {
    // Byte by byte would be needed if a server spoke before the client in TLS;
    // it does not, so all that is read belongs to the proxy's answer.
    const Outcome read =
        co_await Read(piece.data(), piece.size(), deadline, stop);
    if (read.error) co_return std::unexpected(*read.error);
    if (read.ended) co_return Retry("the proxy closed the connection");
    pending.append(piece.data(), read.bytes);
    const auto used = parser.Feed(pending);
    if (!used) co_return std::unexpected(used.error());
    pending.erase(0, *used);
  }
  if (parser.status() / 100 != 2) {
    co_return Retry(fmt::format("HTTP {}", parser.status()));
  }
  if (!pending.empty()) co_return Retry("bytes that were not asked for");
  co_return Result<void>();
}

asio::awaitable<Result<void>> HttpConnection::Open(Route route,
                                                   HttpTimeouts timeouts,
                                                   TimePoint deadline,
                                                   std::stop_token stop) {
  const auto self = shared_from_this();
  const HttpUrl first = route.proxy ? *route.proxy : route.url;
  context_ = route.tls;
  const std::string proxy =
      route.proxy ? "proxy " + route.proxy->HostPort() : std::string();
  const auto blame = [&](Error error) {
    return std::unexpected(proxy.empty() ? std::move(error)
                                         : std::move(error).Within(proxy));
  };
  const auto within = [&] {
    return std::min(deadline, std::chrono::steady_clock::now() + timeouts.tls);
  };
  auto connected =
      co_await Connect(first.host, first.port, timeouts, deadline, stop);
  if (!connected) co_return blame(std::move(connected.error()));
  if (first.https()) {
    tls_ = std::make_unique<Tls>(socket_, *context_->context);
    auto shaken =
        co_await Handshake(*tls_, context_, first.host, within(), stop);
    if (!shaken) co_return blame(std::move(shaken.error()));
  }
  if (!route.proxy || !route.url.https()) co_return Result<void>();
  auto tunnel = co_await Tunnel(route, within(), stop);
  if (!tunnel) {
    co_return blame(std::move(tunnel.error()).Within("CONNECT"));
  }
  if (tls_) {
    tls_in_tls_ = std::make_unique<TlsInTls>(*tls_, *context_->context);
    co_return co_await Handshake(*tls_in_tls_, context_, route.url.host,
                                 within(), stop);
  }
  tls_ = std::make_unique<Tls>(socket_, *context_->context);
  co_return co_await Handshake(*tls_, context_, route.url.host, within(), stop);
}

asio::awaitable<HttpConnection::Outcome> HttpConnection::Read(
    char* to, std::size_t size, TimePoint deadline, std::stop_token stop) {
  const Guard guard(*this, deadline, stop);
  const auto buffer = asio::buffer(to, size);
  ErrorCode error = asio::error::operation_aborted;
  Outcome outcome;
  if (why_ == Why::kOpen) {
    if (tls_in_tls_) {
      std::tie(error, outcome.bytes) =
          co_await tls_in_tls_->async_read_some(buffer, kAwait);
    } else if (tls_) {
      std::tie(error, outcome.bytes) =
          co_await tls_->async_read_some(buffer, kAwait);
    } else {
      std::tie(error, outcome.bytes) =
          co_await socket_.async_read_some(buffer, kAwait);
    }
  }
  if (why_ == Why::kOpen && error == asio::error::eof) {
    outcome.ended = true;
  } else if (error || why_ != Why::kOpen) {
    outcome.closed = why_ == Why::kOpen;
    outcome.error = Failure(error);
  }
  co_return outcome;
}

asio::awaitable<HttpConnection::Outcome> HttpConnection::Write(
    std::string_view bytes, TimePoint deadline, std::stop_token stop) {
  const Guard guard(*this, deadline, stop);
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  ErrorCode error = asio::error::operation_aborted;
  Outcome outcome;
  if (why_ == Why::kOpen) {
    if (tls_in_tls_) {
      std::tie(error, outcome.bytes) =
          co_await asio::async_write(*tls_in_tls_, buffer, kAwait);
    } else if (tls_) {
      std::tie(error, outcome.bytes) =
          co_await asio::async_write(*tls_, buffer, kAwait);
    } else {
      std::tie(error, outcome.bytes) =
          co_await asio::async_write(socket_, buffer, kAwait);
    }
  }
  if (error || why_ != Why::kOpen) {
    outcome.closed = why_ == Why::kOpen;
    outcome.error = Failure(error);
  }
  co_return outcome;
}

bool HttpConnection::IsQuiet() {
  if (!socket_.is_open()) return false;
  char byte = 0;
  return recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace ta
