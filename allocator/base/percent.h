// Text in URLs.

#pragma once

#include <string>
#include <string_view>

#include "allocator/base/ascii.h"

namespace ta {

// RFC 3986, 2.3: what stands for itself everywhere in a URL.
constexpr bool IsUnreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == '~';
}

inline void AppendPercent(char c, std::string& out) {
  const auto byte = static_cast<unsigned char>(c);
  out += {'%', kUpperHex[byte >> 4], kUpperHex[byte & 15]};
}

// All but the unreserved characters as %XX.
inline std::string PercentEncode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      AppendPercent(c, out);
    }
  }
  return out;
}

// Go's url.QueryEscape: the same, but a space is "+".
inline std::string QueryEscape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      AppendPercent(c, out);
    }
  }
  return out;
}

}  // namespace ta
