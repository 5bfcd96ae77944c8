// Text from outside, made fit for a line of ours: in a terminal, a log, a
// message.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "allocator/base/utf8.h"

namespace ta {

// Would `character` disturb the line it stands in? The controls C0 and C1
// (U+009B begins an escape sequence as Esc does), line separators, and what is
// not seen or turns the text around it (Unicode's category Cf, as far as it is
// not part of a script's writing), so that a name could pass for another.
inline bool IsUnprintable(char32_t character) {
  const auto within = [character](char32_t low, char32_t high) {
    return character >= low && character <= high;
  };
  return character < 0x20 || within(0x7F, 0x9F) || character == 0xAD ||
         character == 0x61C || within(0x200B, 0x200F) ||
         within(0x2028, 0x202E) || within(0x2060, 0x206F) ||
         character == 0xFEFF || within(0xFFF9, 0xFFFB) ||
         within(0xE0000, 0xE007F);
}

// Appends `text`, each such character, and each byte that is no UTF-8, written
// as Go would: \n, \t, \x1b, \u202e, \U000e0041. A backslash stays one: the
// result is for reading, and what it was made from twice is the same.
inline void AppendPrintable(std::string_view text, std::string& out) {
  const auto hex = [&out](char32_t value, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
      out += "0123456789abcdef"[value >> shift & 0xF];
    }
  };
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    const std::string_view bytes = text.substr(0, length);
    const auto first = static_cast<unsigned char>(text[0]);
    const char32_t character = TakeCharacter(text);
    if (length == 0 || (first < 0x80 && IsUnprintable(character))) {
      if (first == '\n' || first == '\t') {
        out += first == '\n' ? "\\n" : "\\t";
      } else {
        out += "\\x";
        hex(first, 2);
      }
    } else if (IsUnprintable(character)) {
      const bool wide = character > 0xFFFF;
      out += wide ? "\\U" : "\\u";
      hex(character, wide ? 8 : 4);
    } else {
      out += bytes;
    }
  }
}

inline std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  AppendPrintable(text, out);
  return out;
}

}  // namespace ta
