// OAuth 2.0 tokens by the client credentials grant (RFC 6749, 4.4), as
// Prometheus 3 gets them through golang.org/x/oauth2/clientcredentials.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "allocator/config/http_client_config.h"
#include "discovery/http_client.h"
#include "discovery/http_tls_files.h"
#include "discovery/text_source.h"

namespace ta {

// What a token endpoint said. Holds a secret: never print it.
struct Oauth2Token {
  std::string type;  // as it goes into an Authorization header: "Bearer"
  std::string value;
  std::optional<std::chrono::seconds> lifetime;  // nothing: it does not end
};

// Reads the answer of a token endpoint: JSON, or a form if `content_type` says
// so. Errors name the endpoint's error code, never what else it sent.
Result<Oauth2Token> ParseOauth2Token(int status, std::string_view content_type,
                                     std::string_view body);

// The form of a request for a token: sorted, percent-encoded as Go's
// url.Values. An endpoint parameter may replace grant_type, no other.
Result<std::string> Oauth2Form(
    std::map<std::string, std::string> form,
    const std::map<std::string, std::string>& endpoint_params);

// One client's tokens. Each is used until shortly before it ends. Confined to
// the thread of its executor; outlives its coroutines.
class Oauth2Tokens {
 public:
  // Whether the endpoint takes id and secret as basic authorization or in the
  // form is found out by trying, in this order, as Go does.
  Oauth2Tokens(boost::asio::any_io_executor executor, Oauth2Config config,
               HttpTimeouts timeouts, std::string user_agent);
  ~Oauth2Tokens();

  // The value of an Authorization header: "Bearer …". Asks the endpoint if
  // there is none yet, it has ended, or the secret's file has changed.
  boost::asio::awaitable<Result<std::string>> Get(TimePoint deadline,
                                                  std::stop_token stop);
  // The server that it was for took it no more.
  void Forget() { token_.reset(); }

 private:
  enum class Style { kUnknown, kHeader, kForm };  // of id and secret

  Result<void> Prepare();
  boost::asio::awaitable<Result<Oauth2Token>> Ask(Style style,
                                                  TimePoint deadline,
                                                  std::stop_token stop);

  const boost::asio::any_io_executor executor_;
  const Oauth2Config config_;
  const HttpTimeouts timeouts_;
  const std::string user_agent_;
  std::unique_ptr<HttpClient> http_;  // null until needed
  RereadText secret_;
  TlsFiles tls_;
  Style style_ = Style::kUnknown;
  std::optional<Oauth2Token> token_;
  TimePoint ends_ = TimePoint::max();
};

}  // namespace ta
