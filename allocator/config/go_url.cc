#include "allocator/config/go_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "allocator/base/ascii.h"
#include "allocator/base/percent.h"

namespace ta {
namespace {

enum class Part { kPath, kHost, kZone, kUser, kFragment };

bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool In(std::string_view set, char c) { return set.find(c) != set.npos; }

// net/url's shouldEscape.
bool ShouldEscape(char c, Part part) {
  if (IsAlpha(c) || IsDigit(c) || In("-_.~", c)) return false;
  if ((part == Part::kHost || part == Part::kZone) &&
      In("!$&'()*+,;=:[]<>\"", c))
    return false;
  if (part == Part::kPath && In("$&+,/:;=@", c)) return false;
  if (part == Part::kUser && In("$&+,;=", c)) return false;
  if (part == Part::kFragment && In("$&+,/:;=@?!()*", c)) return false;
  return true;
}

std::string Escape(std::string_view text, Part part) {
  std::string out;
  for (const char c : text) {
    if (ShouldEscape(c, part)) {
      AppendPercent(c, out);
    } else {
      out += c;
    }
  }
  return out;
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> Unescape(std::string_view text, Part part) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return Reject("invalid escape in the URL: % needs two hex digits");
      // Only a zone and bytes beyond ASCII may be escaped in a host.
      if (part == Part::kHost && high < 8 && text.substr(i, 3) != "%25")
        return Reject("invalid escape in the URL's host");
      const auto byte = static_cast<char>(high * 16 + low);
      // Of a zone, what needs no escape, and spaces, as on Windows.
      if (part == Part::kZone && text.substr(i, 3) != "%25" && byte != ' ' &&
          ShouldEscape(byte, Part::kHost))
        return Reject("invalid escape in the zone of the URL's host");
      out += byte;
      i += 2;
    } else if ((part == Part::kHost || part == Part::kZone) &&
               static_cast<unsigned char>(c) < 0x80 && ShouldEscape(c, part)) {
      return Reject(std::string("invalid character '") + c +
                    "' in the URL's host");
    } else {
      out += c;
    }
  }
  return out;
}

// net/url's validEncoded: is a raw path already what escaping would give, or
// one of the spellings that are left alone?
bool IsEncoded(std::string_view raw, Part part) {
  return std::all_of(raw.begin(), raw.end(), [&](char c) {
    return In("!'()*[]%", c) || !ShouldEscape(c, part);
  });
}

bool ValidOptionalPort(std::string_view port) {
  if (port.empty()) return true;
  if (port[0] != ':') return false;
  return std::all_of(port.begin() + 1, port.end(), IsDigit);
}

// What stands in brackets: an IPv6 address, perhaps with a zone after %25.
Result<std::string> ParseAddress(std::string_view text) {
  const auto zone = text.find("%25");
  auto address = Unescape(text.substr(0, zone), Part::kHost);
  if (!address) return address;
  in6_addr unused;
  if (::inet_pton(AF_INET6, address->c_str(), &unused) != 1)
    return Reject("no IPv6 address in the brackets of the URL's host");
  if (zone == text.npos) return address;
  const auto name = Unescape(text.substr(zone), Part::kZone);
  if (!name) return name;
  if (name->size() == 1) return Reject("an empty zone in the URL's host");
  return *address + *name;
}

Result<std::string> ParseHost(std::string_view host) {
  const auto open = host.rfind('[');
  if (open != host.npos && open > 0) return Reject("a [ within the URL's host");
  if (open == 0) {
    const auto end = host.rfind(']');
    if (end == host.npos) return Reject("missing ']' in the URL's host");
    if (!ValidOptionalPort(host.substr(end + 1)))
      return Reject("invalid port in the URL");
    const auto address = ParseAddress(host.substr(1, end - 1));
    if (!address) return address;
    return "[" + *address + "]" + std::string(host.substr(end + 1));
  }
  const auto colon = host.rfind(':');
  if (colon != host.npos && !ValidOptionalPort(host.substr(colon)))
    return Reject("invalid port in the URL");
  return Unescape(host, Part::kHost);
}

Result<void> ParseAuthority(std::string_view authority, GoUrl& url) {
  const auto at = authority.rfind('@');
  if (at != authority.npos) {
    const auto user = authority.substr(0, at);
    for (const char c : user) {
      if (!IsAlpha(c) && !IsDigit(c) && !In("-._:~!$&'()*+,;=%@", c))
        return Reject("invalid user part in the URL");
    }
    const auto colon = user.find(':');
    url.has_user = true;
    url.has_password = colon != user.npos;
    auto name = Unescape(user.substr(0, colon), Part::kUser);
    if (!name) return std::unexpected(name.error());
    url.user = std::move(*name);
    if (url.has_password) {
      const auto password = Unescape(user.substr(colon + 1), Part::kUser);
      if (!password) return std::unexpected(password.error());
    }
    authority.remove_prefix(at + 1);
  }
  auto host = ParseHost(authority);
  if (!host) return std::unexpected(host.error());
  url.host = std::move(*host);
  return {};
}

// The scheme in front of `rest`, taken from it; "" if there is none.
Result<std::string> TakeScheme(std::string_view& rest) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (IsAlpha(c)) continue;
    if (IsDigit(c) || In("+-.", c)) {
      if (i == 0) return std::string();
      continue;
    }
    if (c != ':') return std::string();
    if (i == 0) return Reject("the URL has no scheme before ':'");
    std::string scheme = AsciiLower(rest.substr(0, i));
    rest.remove_prefix(i + 1);
    return scheme;
  }
  return std::string();
}

}  // namespace

Result<GoUrl> ParseGoUrl(std::string_view text) {
  GoUrl url;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return Reject("control character in the URL");
  }
  const auto hash = text.find('#');
  if (hash != text.npos) {
    url.raw_fragment = text.substr(hash + 1);
    auto fragment = Unescape(url.raw_fragment, Part::kFragment);
    if (!fragment) return std::unexpected(fragment.error());
    url.fragment = std::move(*fragment);
    text = text.substr(0, hash);
  }
  auto scheme = TakeScheme(text);
  if (!scheme) return std::unexpected(scheme.error());
  url.scheme = std::move(*scheme);
  const auto question = text.find('?');
  if (question != text.npos) {
    url.query = text.substr(question + 1);
    url.force_query = url.query.empty();
    text = text.substr(0, question);
  }
  if (!text.starts_with('/')) {
    if (!url.scheme.empty()) {
      url.opaque = text;
      return url;
    }
    if (text.substr(0, text.find('/')).find(':') != text.npos)
      return Reject("the URL's first path segment cannot contain a colon");
  }
  if (text.starts_with("//") &&
      (!url.scheme.empty() || !text.starts_with("///"))) {
    text.remove_prefix(2);
    const auto slash = std::min(text.find('/'), text.size());
    if (auto ok = ParseAuthority(text.substr(0, slash), url); !ok)
      return std::unexpected(ok.error());
    text.remove_prefix(slash);
  }
  auto path = Unescape(text, Part::kPath);
  if (!path) return std::unexpected(path.error());
  url.path = std::move(*path);
  if (Escape(url.path, Part::kPath) != text) url.raw_path = text;
  return url;
}

std::string GoUrl::Redacted() const {
  std::string out;
  if (!scheme.empty()) out += scheme + ":";
  if (!opaque.empty()) {
    out += opaque;
  } else {
    const bool valid_raw =
        !raw_path.empty() && IsEncoded(raw_path, Part::kPath);
    const std::string shown = valid_raw     ? raw_path
                              : path == "*" ? "*"
                                            : Escape(path, Part::kPath);
    if (!scheme.empty() || !host.empty() || has_user) {
      if (!host.empty() || !path.empty() || has_user) out += "//";
      if (has_user) {
        out += Escape(user, Part::kUser);
        if (has_password) out += ":xxxxx";
        out += '@';
      }
      out += Escape(host, Part::kHost);
    }
    if (!shown.empty() && shown[0] != '/' && !host.empty()) out += '/';
    out += shown;
  }
  if (force_query || !query.empty()) out += "?" + query;
  if (!fragment.empty()) {
    out += '#';
    out += IsEncoded(raw_fragment, Part::kFragment)
               ? raw_fragment
               : Escape(fragment, Part::kFragment);
  }
  return out;
}

}  // namespace ta
