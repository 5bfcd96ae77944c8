// An HTTP/1.1 client: one request, or one stream, at a time for each call, as a
// coroutine. Resolves, connects (through a proxy or not), speaks TLS, keeps
// connections for the next request, follows redirects, undoes gzip; each wait
// has a deadline, each body a limit. It knows nothing of what the answers mean.
//
// Errors read "GET https://host/path: connect 10.0.0.1:443: connection
// refused" and show neither the user part of a URL, nor its query, nor a
// header's value. kRetry: the network or the server; kReject: the request can't
// be made, or the answer is above a limit. Any status is an answer, no error.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "discovery/http_connection.h"
#include "discovery/http_gzip.h"
#include "discovery/http_proxy.h"
#include "discovery/http_tls.h"
#include "discovery/http_url.h"

namespace ta {

enum class Redirects { kFollow, kReturn };

// What holds for all requests of a client.
struct HttpClientSettings {
  TlsSettings tls;
  ProxySettings proxy;
  HttpTimeouts timeouts;
  Redirects redirects = Redirects::kFollow;  // at most kMaxRequests in all
  // Connections kept for the next request, and for how long. Servers close
  // them when they like; a request that meets that is sent once more.
  std::size_t max_idle = 4;
  Duration max_idle_time = std::chrono::seconds(90);
};

struct HttpRequest {
  std::string method = "GET";
  HttpUrl url;  // its user part, if any, becomes basic authorization
  HttpHeaders headers;
  std::string body;
  bool accept_gzip = true;
  std::size_t max_body_bytes = 64 << 20;       // encoded or decoded; 0: none
  Duration timeout = std::chrono::minutes(5);  // in all; Duration::max(): none
  std::optional<Duration> idle;                // instead of HttpTimeouts::idle
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  HttpUrl url;  // after redirects
};

// Confined to the thread, or strand, of its executor, where stops are asked
// for, too. Outlives its coroutines: stop them and let them end first, or stop
// running their loop for good.
class HttpClient {
 public:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // For one answer, redirects followed; Go's limit.
  static constexpr int kMaxRequests = 10;
  // Of an answer to Stream that is no stream, because its status isn't 2xx.
  static constexpr std::size_t kMaxErrorBytes = 1 << 20;

  // Errors are those of MakeTlsContext and ProxyRules::Make; the environment is
  // read here, once.
  static Result<std::unique_ptr<HttpClient>> Make(
      boost::asio::any_io_executor executor, HttpClientSettings settings);
  ~HttpClient();

  // One request and its whole answer.
  Awaitable<Result<HttpResponse>> Fetch(HttpRequest request,
                                        std::stop_token stop);

  // One request whose answer goes to `on_body` piece by piece, if its status is
  // 2xx; else it is collected. Nothing is read while `on_body` runs, so that a
  // slow reader slows the server. Its error ends the stream and is returned as
  // it is. The end of the stream is the server's to choose, so it is no error.
  // `on_headers` is called before, with the status.
  Awaitable<Result<HttpResponse>> Stream(
      HttpRequest request, std::function<void(int status)> on_headers,
      BodySink on_body, std::stop_token stop);

  // New connections use these; idle ones are closed, busy ones go on. On an
  // error the old ones stay.
  Result<void> UseTls(const TlsSettings& settings);

  std::size_t idle_connections() const { return idle_.size(); }
  // How many have been opened so far.
  std::size_t opened() const { return opened_; }

 private:
  struct Idle {
    std::string key;
    std::shared_ptr<HttpConnection> connection;
    TimePoint since;
  };
  struct Sinks {  // null: collect
    const std::function<void(int)>* on_headers = nullptr;
    const BodySink* on_body = nullptr;
  };
  // What came of one attempt on one connection.
  struct Attempt {
    HttpResponse response;
    std::optional<Error> error;
    bool unanswered = false;  // closed by the server before any byte
  };

  HttpClient(boost::asio::any_io_executor executor, HttpClientSettings settings,
             ProxyRules proxies, std::shared_ptr<const TlsContext> tls);

  Awaitable<Result<HttpResponse>> Run(HttpRequest request, Sinks sinks,
                                      std::stop_token stop);
  // Without redirects; twice, where a kept connection turns out to be closed.
  Awaitable<Result<HttpResponse>> Once(const HttpRequest& request,
                                       TimePoint deadline, Sinks sinks,
                                       std::stop_token stop);
  Awaitable<Attempt> Exchange(std::shared_ptr<HttpConnection> connection,
                              const HttpRequest& request,
                              const HttpConnection::Route& route,
                              TimePoint deadline, Sinks sinks,
                              std::stop_token stop);
  std::shared_ptr<HttpConnection> TakeIdle(const std::string& key);
  void Keep(std::string key, std::shared_ptr<HttpConnection> connection);

  const boost::asio::any_io_executor executor_;
  const HttpClientSettings settings_;
  const ProxyRules proxies_;
  std::shared_ptr<const TlsContext> tls_;  // null until needed
  std::deque<Idle> idle_;                  // oldest first
  std::size_t opened_ = 0;
};

}  // namespace ta
