// Well-formed UTF-8, for the few places that look at characters rather than
// bytes.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ta {

// The bytes of the well-formed character at the start of `text`, 1 to 4; 0 if
// it is empty or no character starts there. Table 3-7 of the Unicode standard:
// no surrogates, nothing overlong, nothing above U+10FFFF.
inline std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// Takes the first character off `text`. As Go's utf8.DecodeRune, a byte that
// starts no character is one U+FFFD. REQUIRES: !text.empty()
inline char32_t TakeCharacter(std::string_view& text) {
  const std::size_t length = Utf8Length(text);
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  char32_t character = kReplacementCharacter;
  switch (length) {
    case 1:
      character = byte(0);
      break;
    case 2:
      character = (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
      break;
    case 3:
      character =
          (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
      break;
    case 4:
      character = (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 |
                  (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
      break;
    default:
      break;
  }
  text.remove_prefix(length == 0 ? 1 : length);
  return character;
}

// `text` with each byte that belongs to no character replaced by U+FFFD, as
// Go's decoders of JSON do.
inline std::string ToUtf8(std::string_view text) {
  std::string clean;
  clean.reserve(text.size() + 8);
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    if (length == 0) {
      clean += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      clean.append(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return clean;
}

}  // namespace ta
