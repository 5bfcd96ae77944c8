// URLs of HTTP requests: what to connect to, what to ask for, and how to name
// it in a message without giving away what it holds.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// A parsed http or https URL, or a proxy's. Value type.
struct HttpUrl {
  std::string scheme;  // lower case
  bool has_user = false;
  std::string user;      // decoded
  std::string password;  // decoded
  std::string host;      // lower case, without brackets; a name or an address
  std::uint16_t port = 0;
  std::string target = "/";  // path and query, as sent

  bool https() const { return scheme == "https"; }
  // "host:port", brackets around IPv6.
  std::string HostPort() const;
  // As HostPort(), without the port where the scheme implies it: what stands in
  // a Host header.
  std::string Authority() const;
  // For messages and logs: neither user part nor query, both may hold secrets.
  std::string Shown() const;
};

// Accepts what Go's url.Parse does, if it has a host and one of `http` and
// `https` for a scheme; a fragment is dropped, and bytes that may not stand in
// a request line are percent-encoded. The error never shows the URL.
Result<HttpUrl> ParseHttpUrl(std::string_view text);

// As ParseHttpUrl, for any scheme.
Result<HttpUrl> ParseAnyUrl(std::string_view text);

// The URL that `reference` (of a Location header) means, seen from `base`. RFC
// 3986, section 5.2; no user part is inherited.
Result<HttpUrl> ResolveReference(const HttpUrl& base,
                                 std::string_view reference);

// "user:password" as the value of an Authorization header.
std::string BasicAuthorization(std::string_view user,
                               std::string_view password);

// Is `host` equal to or a subdomain of `parent`? As Go's net/http decides who
// gets the credentials after a redirect.
bool IsDomainOrSubdomain(std::string_view host, std::string_view parent);

}  // namespace ta
