#include "discovery/http_url.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/base/percent.h"
#include "allocator/config/go_url.h"

namespace ta {
namespace {

// What may not stand in a request line as it is.
std::string EscapeTarget(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && c != '"' && c != '<' && c != '>') {
      escaped += c;
    } else {
      AppendPercent(c, escaped);
    }
  }
  return escaped;
}

std::uint16_t DefaultPort(std::string_view scheme) {
  if (scheme == "http") return 80;
  if (scheme == "https") return 443;
  return 1080;  // socks5
}

// RFC 3986, 5.2.4, of a path that begins with a slash.
std::string RemoveDotSegments(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const auto end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);  // with its slash
    path.remove_prefix(end);
    if (segment == "/.." || segment == "/.") {
      if (segment == "/..")
        result.resize(result.find_last_of('/') == std::string::npos
                          ? 0
                          : result.find_last_of('/'));
      if (path.empty()) result += '/';
    } else {
      result += segment;
    }
  }
  return result;
}

// "name:", a scheme by its characters.
bool HasScheme(std::string_view reference) {
  const auto colon = reference.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  return std::ranges::all_of(reference.substr(0, colon), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

std::string Bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string HttpUrl::HostPort() const {
  return Bracketed(host) + ":" + std::to_string(port);
}

std::string HttpUrl::Authority() const {
  return port == DefaultPort(scheme) ? Bracketed(host) : HostPort();
}

std::string HttpUrl::Shown() const {
  return scheme + "://" + Authority() + target.substr(0, target.find('?'));
}

Result<HttpUrl> ParseAnyUrl(std::string_view text) {
  const auto parsed = ParseGoUrl(text);
  if (!parsed) return std::unexpected(parsed.error());
  const auto start = text.find("://");
  if (parsed->scheme.empty() || start == std::string_view::npos ||
      parsed->host.empty()) {
    return Reject("not a URL of the form scheme://host");
  }
  HttpUrl url;
  url.scheme = parsed->scheme;
  text = text.substr(start + 3);
  text = text.substr(0, text.find('#'));
  const auto end = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, end);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view info = authority.substr(0, at);
    const auto colon = std::min(info.find(':'), info.size());
    url.has_user = true;
    url.user = PercentDecode(info.substr(0, colon));
    if (colon < info.size())
      url.password = PercentDecode(info.substr(colon + 1));
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return Reject("missing ']' in host");
    url.host = PercentDecode(authority.substr(1, close - 1));
    port = authority.substr(close + 1);
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    url.host = PercentDecode(authority.substr(0, colon));
    port = authority.substr(colon);
  }
  url.host = AsciiLower(url.host);
  if (url.host.empty()) return Reject("the URL has no host");
  if (std::ranges::any_of(url.host, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte == 0x7F || c == '/' || c == '@';
      })) {
    return Reject("invalid character in host name");
  }
  url.port = DefaultPort(url.scheme);
  if (port.starts_with(':')) port.remove_prefix(1);
  if (!port.empty()) {
    const auto [last, error] =
        std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || last != port.data() + port.size() ||
        url.port == 0) {
      return Reject("invalid port");
    }
  }
  url.target = EscapeTarget(text.substr(end));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

Result<HttpUrl> ParseHttpUrl(std::string_view text) {
  auto url = ParseAnyUrl(text);
  if (url && url->scheme != "http" && url->scheme != "https") {
    return Reject("the scheme of the URL is neither http nor https");
  }
  return url;
}

Result<HttpUrl> ResolveReference(const HttpUrl& base,
                                 std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  if (HasScheme(reference)) return ParseHttpUrl(reference);
  if (reference.starts_with("//")) {
    return ParseHttpUrl(base.scheme + ":" + std::string(reference));
  }
  HttpUrl url = base;
  url.has_user = false;
  url.user.clear();
  url.password.clear();
  if (reference.empty()) return url;
  const std::string_view base_path =
      std::string_view(base.target).substr(0, base.target.find('?'));
  const auto query = std::min(reference.find('?'), reference.size());
  std::string path(reference.substr(0, query));
  if (path.empty()) {
    path = base_path;
  } else if (!path.starts_with('/')) {
    path.insert(0, base_path.substr(0, base_path.rfind('/') + 1));
  }
  url.target = EscapeTarget(RemoveDotSegments(path) +
                            std::string(reference.substr(query)));
  return url;
}

std::string BasicAuthorization(std::string_view user,
                               std::string_view password) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string plain(user);
  plain += ':';
  plain += password;
  std::string value = "Basic ";
  for (std::size_t i = 0; i < plain.size(); i += 3) {
    const auto byte = [&](std::size_t at) {
      return at < plain.size() ? static_cast<unsigned char>(plain[at]) : 0u;
    };
    const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    value += kDigits[bits >> 18];
    value += kDigits[bits >> 12 & 63];
    value += i + 1 < plain.size() ? kDigits[bits >> 6 & 63] : '=';
    value += i + 2 < plain.size() ? kDigits[bits & 63] : '=';
  }
  return value;
}

bool IsDomainOrSubdomain(std::string_view host, std::string_view parent) {
  if (parent.empty()) return false;
  if (host == parent) return true;
  // An IPv6 address, or one with a zone, has no subdomains.
  if (host.find_first_of(":%") != std::string_view::npos) return false;
  return host.size() > parent.size() && host.ends_with(parent) &&
         host[host.size() - parent.size() - 1] == '.';
}

}  // namespace ta
