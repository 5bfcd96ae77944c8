// Which proxy a request goes through: one that is configured, or the one that
// the environment names. Pure. Source: golang.org/x/net/http/httpproxy and
// prometheus/common config.ProxyConfig.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/base/result.h"
#include "discovery/http_url.h"

namespace ta {

// Name and value. Names compare without regard to case.
using HttpHeader = std::pair<std::string, std::string>;
using HttpHeaders = std::vector<HttpHeader>;

struct ProxySettings {
  std::string url;                // empty: none
  std::string no_proxy;           // as NO_PROXY; only with `url`
  bool from_environment = false;  // HTTP_PROXY, HTTPS_PROXY, NO_PROXY
  HttpHeaders connect_headers;    // sent with CONNECT, and nowhere else

  bool operator==(const ProxySettings&) const = default;
};

// Immutable once made.
class ProxyRules {
 public:
  // The value of an environment variable, or null.
  using GetEnv = std::function<const char*(const char*)>;

  // No proxy at all.
  ProxyRules() = default;
  // An invalid `url`, or one whose scheme is neither http nor https, is an
  // error; in the environment it is ignored, as Go does. Upper-case variables
  // go before lower-case ones.
  static Result<ProxyRules> Make(const ProxySettings& settings,
                                 const GetEnv& get_env);

  // The proxy for `url`, or null. Where the rules of NO_PROXY apply (the
  // environment, or `no_proxy` is set), localhost and loopback addresses are
  // never proxied. Lives as long as the rules.
  const HttpUrl* For(const HttpUrl& url) const;

 private:
  struct Address {
    std::array<std::uint8_t, 16> bytes{};
    bool v4 = false;

    bool operator==(const Address&) const = default;
  };
  struct Network {
    Address address;
    int bits = 0;
    std::string port;  // empty: any
  };
  struct Domain {
    std::string suffix;   // begins with a dot
    std::string port;     // empty: any
    bool itself = false;  // matches without the dot, too
  };

  static std::optional<Address> ParseAddress(std::string_view text);
  static std::optional<Network> ParseNetwork(std::string_view text);
  static bool Contains(const Network& network, const Address& address);
  void AddException(std::string_view entry);
  bool IsExcepted(const HttpUrl& url) const;

  std::optional<HttpUrl> http_;   // for http URLs
  std::optional<HttpUrl> https_;  // for https URLs
  bool has_exceptions_ = false;
  bool all_excepted_ = false;
  std::vector<Network> networks_;
  std::vector<Domain> domains_;
};

}  // namespace ta
