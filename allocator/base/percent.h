// Bytes of a URL as %XX, and back. What has to be escaped differs from part to
// part of a URL, and so does what a bad escape means; how one is written
// doesn't.

#pragma once

#include <cstddef>
#include <optional>
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
  while (true) {
    const std::size_t space = text.find(' ');
    out += PercentEncode(text.substr(0, space));
    if (space == text.npos) return out;
    out += '+';
    text.remove_prefix(space + 1);
  }
}

// The byte that `text` begins with as %XX; nothing if it begins otherwise.
constexpr std::optional<char> PercentByte(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return std::nullopt;
  const int high = HexDigit(text[1]);
  const int low = HexDigit(text[2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

// With each %XX undone; nothing if there is a % that begins none.
inline std::optional<std::string> PercentDecodeStrictly(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = PercentByte(text.substr(i));
    if (!byte) return std::nullopt;
    out += *byte;
    i += 2;
  }
  return out;
}

// The same, but a % that begins none stays.
inline std::string PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const auto byte = PercentByte(text.substr(i))) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace ta
