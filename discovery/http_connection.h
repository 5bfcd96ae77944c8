// One connection of the HTTP client: TCP, through a proxy or not, with TLS or
// not, and a deadline on whatever it does. Inside the HTTP client only.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "discovery/http_proxy.h"
#include "discovery/http_tls.h"
#include "discovery/http_url.h"

namespace ta {

// How long each step may take.
struct HttpTimeouts {
  Duration resolve = std::chrono::seconds(10);
  Duration connect = std::chrono::seconds(10);  // for each address
  Duration tls = std::chrono::seconds(10);      // also a proxy's answer
  Duration headers =
      std::chrono::seconds(30);              // from the request to its answer
  Duration idle = std::chrono::seconds(30);  // between two pieces of the body

  bool operator==(const HttpTimeouts&) const = default;
};

// Confined to its executor's thread, like all coroutines of it.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // Where to, and how to get there.
  struct Route {
    HttpUrl url;                   // only scheme, host and port matter
    std::optional<HttpUrl> proxy;  // as ProxyRules::For says
    HttpHeaders connect_headers;
    std::shared_ptr<const TlsContext> tls;

    // Equal keys lead to the same place by the same way.
    std::string Key() const;
    // A proxy is sent the whole URL instead of its path.
    bool absolute_form() const { return proxy && !url.https(); }
  };

  explicit HttpConnection(boost::asio::any_io_executor executor);
  ~HttpConnection();

  // Connects to each address in turn until one answers; then a proxy's CONNECT,
  // then TLS. No step goes on after `deadline`. REQUIRES: called once.
  Awaitable<Result<void>> Open(Route route, HttpTimeouts timeouts,
                               TimePoint deadline, std::stop_token stop);

  // What a read or write came to. `error` is set by all but success.
  struct Outcome {
    std::size_t bytes = 0;
    bool ended = false;   // the peer has closed properly
    bool closed = false;  // or hard: the peer has, neither we nor a deadline
    std::optional<Error> error;
  };
  // At least one byte, or the end.
  Awaitable<Outcome> Read(char* to, std::size_t size, TimePoint deadline,
                          std::stop_token stop);
  Awaitable<Outcome> Write(std::string_view bytes, TimePoint deadline,
                           std::stop_token stop);

  // Is the peer still there, as far as one can know without asking? False as
  // well if it has sent what nobody asked for.
  bool IsQuiet();
  void Close();

 private:
  using Socket = boost::asio::ip::tcp::socket;
  using Tls = boost::asio::ssl::stream<Socket&>;
  using TlsInTls = boost::asio::ssl::stream<Tls&>;  // through an https proxy
  enum class Why { kOpen, kTimeout, kStopped };

  // Closes when it is `deadline` or a stop is asked for, until destroyed.
  class Guard;
  void SetDeadline(TimePoint deadline);
  void WaitForDeadline();
  void Abort(Why why);
  Error Failure(const boost::system::error_code& error) const;

  Awaitable<Result<void>> Connect(std::string host, std::uint16_t port,
                                  HttpTimeouts timeouts, TimePoint deadline,
                                  std::stop_token stop);
  Awaitable<Result<void>> Tunnel(Route route, TimePoint deadline,
                                 std::stop_token stop);
  template <typename Stream>
  Awaitable<Result<void>> Handshake(Stream& stream,
                                    std::shared_ptr<const TlsContext> tls,
                                    std::string host, TimePoint deadline,
                                    std::stop_token stop);

  boost::asio::any_io_executor executor_;
  Socket socket_;
  std::shared_ptr<const TlsContext> context_;  // outlives its streams
  std::unique_ptr<Tls> tls_;
  std::unique_ptr<TlsInTls> tls_in_tls_;
  boost::asio::steady_timer timer_;
  bool timer_waits_ = false;
  TimePoint deadline_ = TimePoint::max();
  Why why_ = Why::kOpen;
};

// "connection refused": what an error code says, in our style.
std::string Reason(const boost::system::error_code& error);

}  // namespace ta
