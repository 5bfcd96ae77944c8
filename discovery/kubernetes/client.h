// A client of one API server: HttpClient with an identity that rotates, a limit
// on requests, and the server's refusals in words that a person can act on.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "discovery/http_client.h"
#include "discovery/kubernetes/client_rate.h"
#include "discovery/kubernetes/client_settings.h"
#include "discovery/kubernetes/resource.h"
#include "discovery/kubernetes/status.h"
#include "discovery/text_source.h"

namespace ta::kubernetes {

struct ClientOptions {
  std::string version = "0";  // ours, for User-Agent
  double requests_per_second = 50;
  double burst = 100;
  // How often files of token, CA and certificates are looked at. They are read
  // as well when the server says 401.
  Duration reread_interval = std::chrono::seconds(10);
  HttpTimeouts timeouts;
  // A list's page, in all. A server with a frozen etcd accepts and is silent.
  Duration list_timeout = std::chrono::minutes(1);
  std::size_t max_list_bytes = std::size_t{512} << 20;
};

// Confined to its executor's thread; outlives its coroutines, as HttpClient.
class ApiClient {
 public:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // Fails (kReject) for a URL or proxy that makes no sense. Reads no file: what
  // can't be read now may be readable later, so requests fail until it is.
  static Result<std::unique_ptr<ApiClient>> Make(
      boost::asio::any_io_executor executor, ClientSettings settings,
      ClientOptions options);

  // GETs `path` (of ListPath) and returns the body of a 200. `scope` is for
  // messages.
  Awaitable<Answer<std::string>> List(Scope scope, std::string path,
                                      std::stop_token stop);

  // GETs `path` (of WatchPath) as a stream. `on_open` is called once the server
  // has accepted, `on_bytes` with what comes. Returns when the stream ends,
  // with success if the server ended it properly; an error of `on_bytes` ends
  // it and is returned. Without any byte for `idle` it counts as half-open
  // (kRetry).
  Awaitable<Answer<void>> Watch(Scope scope, std::string path, Duration idle,
                                Duration timeout, std::function<void()> on_open,
                                BodySink on_bytes, std::stop_token stop);

  // The namespace of the context, or of our own pod; "" if unknown.
  const std::string& ns() const { return settings_.ns; }

 private:
  ApiClient(boost::asio::any_io_executor executor, ClientSettings settings,
            ClientOptions options, HttpUrl server,
            std::unique_ptr<HttpClient> http);

  // Reads what may have changed, if it is time or `force`.
  enum class When { kIfDue, kNow };
  Result<void> Reread(When when);
  Result<void> RereadAll();
  // Everything but what differs between lists and watches.
  Awaitable<Answer<HttpResponse>> Request(const Scope& scope, const char* verb,
                                          HttpRequest request,
                                          std::function<void(int)> on_headers,
                                          const BodySink* on_bytes,
                                          std::stop_token stop);
  HttpRequest MakeRequest(const std::string& path) const;

  const boost::asio::any_io_executor executor_;
  const ClientSettings settings_;
  const ClientOptions options_;
  const HttpUrl server_;
  const std::unique_ptr<HttpClient> http_;
  RateLimit rate_;
  RereadText token_;
  RereadText username_;
  RereadText password_;
  RereadText ca_;
  RereadText client_cert_;
  RereadText client_key_;
  TlsSettings tls_;     // in use
  bool ready_ = false;  // everything was read once
  bool stale_ = false;  // the last Reread failed, and was logged
  TimePoint reread_at_{};
};

// "list pods at cluster scope is forbidden for this service account: grant verb
// list on resource pods": what to do about a 403.
std::string ForbiddenText(const Scope& scope, const char* verb);

}  // namespace ta::kubernetes
