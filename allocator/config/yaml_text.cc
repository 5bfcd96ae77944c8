#include "allocator/config/yaml_text.h"

#include <algorithm>
#include <cstddef>

#include "allocator/base/utf8.h"

namespace ta {
std::optional<BadText> FindBadText(std::string_view text) {
  BadText at;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = Utf8Length(text.substr(i));
    if (length == 0) {
      at.message = "not valid UTF-8";
      return at;
    }
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') ||
        byte == 0x7F) {
      at.message = "control characters are not allowed in YAML";
      return at;
    }
    i += length;
    if (byte == '\n') {
      ++at.line;
      at.column = 1;
    } else {
      at.column += static_cast<int>(length);
    }
  }
  return std::nullopt;
}

TextPlace DashBefore(std::string_view text, TextPlace next) {
  std::size_t end = std::min(next.offset, text.size());
  for (int line = next.line; line >= 1; --line) {
    const auto newline = end == 0 ? text.npos : text.rfind('\n', end - 1);
    const std::size_t begin = newline == text.npos ? 0 : newline + 1;
    const auto before = text.substr(begin, end - begin);
    const auto first = before.find_first_not_of(" \t\r");
    if (first != before.npos && before[first] != '#') {
      if (before[first] != '-') break;
      return {line, static_cast<int>(first) + 1, begin + first};
    }
    if (begin == 0) break;
    end = begin - 1;
  }
  return next;
}

bool QuoteIsOpen(std::string_view text, std::size_t offset) {
  while (offset < text.size() && (text[offset] == '!' || text[offset] == '&')) {
    offset = text.find_first_of(" \t\r\n", offset);
    if (offset == text.npos) return false;
    offset = text.find_first_not_of(" \t\r\n", offset);
  }
  if (offset >= text.size()) return false;
  const char quote = text[offset];
  if (quote != '"' && quote != '\'') return false;
  for (std::size_t i = offset + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      const bool doubled =
          quote == '\'' && i + 1 < text.size() && text[i + 1] == quote;
      if (!doubled) return false;
      ++i;
    }
  }
  return true;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int digits = 0;   // in the group of four
  int padding = 0;  // '=' seen
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const auto digit = kDigits.find(c);
    if (c == '=' && digits >= 2) {
      ++padding;
    } else if (digit == kDigits.npos || padding > 0) {
      return std::nullopt;
    }
    bits = bits << 6 | (c == '=' ? 0u : static_cast<unsigned>(digit));
    if (++digits < 4) continue;
    for (int byte = 0; byte < 3 - padding; ++byte)
      out += static_cast<char>(bits >> (16 - 8 * byte) & 0xFF);
    bits = 0;
    digits = padding > 0 ? 5 : 0;  // 5: nothing may follow
  }
  if (digits != 0 && digits != 5) return std::nullopt;
  return out;
}

}  // namespace ta
