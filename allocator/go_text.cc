#include "allocator/go_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

namespace ta {
namespace {

constexpr char32_t kReplacement = 0xfffd;

struct Rune {
  char32_t value;
  std::size_t bytes;
};

// utf8.DecodeRune: what is no UTF-8 is one byte of U+FFFD.
Rune Decode(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  std::size_t length = 0;
  unsigned char low = 0x80;  // bounds of the second byte
  unsigned char high = 0xbf;
  char32_t value = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
    value = first & 0x1f;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    value = first & 0x0f;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    value = first & 0x07;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
  }
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) {
    return {kReplacement, 1};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {kReplacement, 1};
    value = value << 6 | (byte(i) & 0x3f);
  }
  return {value, length};
}

void AppendRune(char32_t rune, std::string& out) {
  utf8proc_uint8_t bytes[4];
  const auto length =
      utf8proc_encode_char(static_cast<utf8proc_int32_t>(rune), bytes);
  out.append(reinterpret_cast<const char*>(bytes),
             static_cast<std::size_t>(length));
}

bool IsAscii(std::string_view text) {
  std::uint64_t any = 0;
  std::uint64_t word = 0;
  if (text.size() < 8) {
    for (const char c : text) any |= static_cast<unsigned char>(c);
    return any < 0x80;
  }
  for (std::size_t i = 0; i + 8 < text.size(); i += 8) {
    std::memcpy(&word, text.data() + i, 8);
    any |= word;
  }
  std::memcpy(&word, text.data() + text.size() - 8, 8);
  return ((any | word) & 0x8080808080808080u) == 0;
}

template <typename Map>
void AppendMapped(std::string_view text, std::string& out, Map map) {
  while (!text.empty()) {
    const Rune rune = Decode(text);
    AppendRune(map(rune.value), out);
    text.remove_prefix(rune.bytes);
  }
}

// strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the space.
bool IsPrint(char32_t rune) {
  if (rune == ' ') return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(rune))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
      return false;
    default:
      return true;
  }
}

void AppendHex(std::uint32_t value, int digits, std::string& out) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[value >> shift & 0xf];
  }
}

void AppendQuotedRune(char32_t rune, std::string& out) {
  if (rune == '"' || rune == '\\') {
    out += '\\';
    out += static_cast<char>(rune);
    return;
  }
  if (IsPrint(rune)) return AppendRune(rune, out);
  constexpr std::string_view kControls = "\a\b\f\n\r\t\v";
  constexpr std::string_view kLetters = "abfnrtv";
  if (rune < 0x80) {
    const auto found = kControls.find(static_cast<char>(rune));
    if (rune != 0 && found != std::string_view::npos) {
      out += '\\';
      out += kLetters[found];
      return;
    }
  }
  if (rune < ' ' || rune == 0x7f) {
    out += "\\x";
    AppendHex(rune, 2, out);
  } else if (rune < 0x10000) {
    out += "\\u";
    AppendHex(rune, 4, out);
  } else {
    out += "\\U";
    AppendHex(rune, 8, out);
  }
}

struct Unit {
  std::string_view name;
  int position;  // units must rise in it
  std::uint64_t nanoseconds;
};
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 7> kUnits = {{
    {"ms", 7, 1'000'000},
    {"s", 6, kSecond},
    {"m", 5, 60 * kSecond},
    {"h", 4, 3600 * kSecond},
    {"d", 3, 24 * 3600 * kSecond},
    {"w", 2, 7 * 24 * 3600 * kSecond},
    {"y", 1, 365 * 24 * 3600 * kSecond},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// strconv.ParseUint of a string of digits; nothing if it overflows.
std::optional<std::uint64_t> ParseDigits(std::string_view digits) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char c : digits) {
    const std::uint64_t digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace

std::string GoQuote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = Decode(text);
    if (rune.value == kReplacement && rune.bytes == 1) {
      out += "\\x";
      AppendHex(static_cast<unsigned char>(text[0]), 2, out);
    } else {
      AppendQuotedRune(rune.value, out);
    }
    text.remove_prefix(rune.bytes);
  }
  out += '"';
  return out;
}

void AppendGoLower(std::string_view text, std::string& out) {
  AppendMapped(text, out, [](char32_t rune) -> char32_t {
    if (rune < 0x80) return rune >= 'A' && rune <= 'Z' ? rune + 32 : rune;
    return static_cast<char32_t>(
        utf8proc_tolower(static_cast<utf8proc_int32_t>(rune)));
  });
}

void AppendGoUpper(std::string_view text, std::string& out) {
  AppendMapped(text, out, [](char32_t rune) -> char32_t {
    if (rune < 0x80) return rune >= 'a' && rune <= 'z' ? rune - 32 : rune;
    if (rune == 0xdf) return rune;  // utf8proc prefers the capital sharp s
    return static_cast<char32_t>(
        utf8proc_toupper(static_cast<utf8proc_int32_t>(rune)));
  });
}

bool IsValidUtf8(std::string_view text) {
  return IsAscii(text) || ValidUtf8Prefix(text) == text.size();
}

std::size_t ValidUtf8Prefix(std::string_view text) {
  std::size_t valid = 0;
  while (valid < text.size()) {
    const Rune rune = Decode(text.substr(valid));
    if (rune.value == kReplacement && rune.bytes == 1) break;
    valid += rune.bytes;
  }
  return valid;
}

std::string ToValidUtf8(std::string_view text) {
  std::string out;
  AppendMapped(text, out, [](char32_t rune) { return rune; });
  return out;
}

bool IsValidLabelName(std::string_view name, bool legacy) {
  if (name.empty()) return false;
  if (!legacy) return IsValidUtf8(name);
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return letter(name[0]) && std::ranges::all_of(name, [&](char c) {
           return letter(c) || (c >= '0' && c <= '9');
         });
}

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return Reject("empty duration string");
  const auto invalid = [text] {
    return Reject("not a valid duration string: " + GoQuote(text));
  };
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 63;
  std::uint64_t total = 0;
  int last_position = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto unit_at = std::find_if_not(rest.begin(), rest.end(), IsDigit);
    const auto digits =
        rest.substr(0, static_cast<std::size_t>(unit_at - rest.begin()));
    const auto value = ParseDigits(digits);
    if (digits.empty() || !value) return invalid();
    rest.remove_prefix(digits.size());
    const auto next_at = std::find_if(rest.begin(), rest.end(), IsDigit);
    const auto name =
        rest.substr(0, static_cast<std::size_t>(next_at - rest.begin()));
    if (name.empty()) return invalid();
    rest.remove_prefix(name.size());
    const auto unit = std::ranges::find(kUnits, name, &Unit::name);
    if (unit == kUnits.end()) {
      return Reject("unknown unit " + GoQuote(name) + " in duration " +
                    GoQuote(text));
    }
    if (unit->position <= last_position) return invalid();
    last_position = unit->position;
    if (*value > kLimit / unit->nanoseconds) {
      return Reject("duration out of range");
    }
    total += *value * unit->nanoseconds;
    if (total > kLimit - 1) return Reject("duration out of range");
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

Result<bool> ParseBool(std::string_view text) {
  for (const auto word : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == word) return true;
  }
  for (const auto word : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == word) return false;
  }
  return Reject("strconv.ParseBool: parsing " + GoQuote(text) +
                ": invalid syntax");
}

}  // namespace ta
