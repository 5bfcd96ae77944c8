// The HTTP client of a discovery mechanism as its configuration describes it:
// HttpClient with credentials, extra headers and certificates, which are read
// again for each request where they are in files. Source: prometheus/common
// v0.70.1, config.NewRoundTripperFromConfig.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "allocator/base/result.h"
#include "allocator/config/http_client_config.h"
#include "discovery/http_client.h"
#include "discovery/http_oauth2.h"
#include "discovery/http_tls_files.h"
#include "discovery/text_source.h"

namespace ta {

// Confined to the thread of its executor; outlives its coroutines.
//
// As in Prometheus: a user in the URL goes before basic_auth and authorization,
// oauth2 before all of them; what is sensitive (Authorization, Cookie) is not
// sent on after a redirect to another host, and never again in that chain,
// while other http_headers are. Beyond it: nor is it after a redirect from
// https to http; and after a 401 one new token is tried.
class ConfiguredHttpClient {
 public:
  // Errors (kReject): a proxy's URL that makes no sense, and what is not
  // supported: secrets by reference (Prometheus proper has no manager of them
  // either), oauth2 by the JWT bearer grant. Reads no file: a request fails
  // while it can't be read. enable_http2 changes nothing, as we speak HTTP/1.1.
  static Result<std::unique_ptr<ConfiguredHttpClient>> Make(
      boost::asio::any_io_executor executor, const HttpClientConfig& config,
      const HttpTimeouts& timeouts, std::string user_agent);

  // Sends `request` with what the configuration adds to it, and User-Agent.
  // Errors show no secret.
  boost::asio::awaitable<Result<HttpResponse>> Fetch(HttpRequest request,
                                                     std::stop_token stop);

  // Connections opened so far.
  std::size_t opened() const { return http_->opened(); }

 private:
  struct Header {
    std::string name;
    std::string text;                  // or
    std::unique_ptr<RereadText> file;  // not null: what is in a file
  };

  ConfiguredHttpClient(boost::asio::any_io_executor executor,
                       const HttpClientConfig& config, HttpTimeouts timeouts,
                       std::string user_agent,
                       std::unique_ptr<HttpClient> http);

  // Adds all but oauth2's token.
  Result<void> AddHeaders(HttpRequest& request);

  std::string user_agent_;  // a configured one, else ours
  const std::unique_ptr<HttpClient> http_;
  TlsFiles tls_;
  bool has_basic_ = false;
  RereadText username_;
  RereadText password_;
  std::string authorization_type_;  // "": none
  RereadText credentials_;
  std::vector<Header> headers_;
  std::unique_ptr<Oauth2Tokens> tokens_;  // null: no oauth2
};

}  // namespace ta
