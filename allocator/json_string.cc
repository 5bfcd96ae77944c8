#include "allocator/json_string.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "allocator/base/ascii.h"
#include "allocator/base/utf8.h"

namespace ta {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;

// High bit of each byte of `word` that is zero (and maybe of bytes above it,
// which does not matter to a test for "any").
constexpr std::uint64_t ZeroBytes(std::uint64_t word) {
  return (word - kOnes) & ~word & kHighs;
}
constexpr std::uint64_t BytesEqual(std::uint64_t word, char byte) {
  return ZeroBytes(word ^ (kOnes * static_cast<unsigned char>(byte)));
}

// Whether any of eight bytes is a control character, not ASCII, or one of the
// five that Go escapes. '&' (0x26) and '"' (0x22) differ in one bit, and so do
// '<' (0x3c) and '>' (0x3e): one comparison each, with that bit set.
constexpr bool NeedsCare(std::uint64_t word) {
  const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return (control | (word & kHighs) | BytesEqual(word | (kOnes * 0x04), '&') |
          BytesEqual(word | (kOnes * 0x02), '>') | BytesEqual(word, '\\')) != 0;
}

constexpr bool IsPlain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' &&
         c != '>' && c != '&';
}

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) table[c] = IsPlain(c);
  return table;
}();

// The escape of one ASCII byte that is not plain; returns its length.
std::size_t EscapeAscii(unsigned char c, char* out) {
  out[0] = '\\';
  switch (c) {
    case '"':
    case '\\':
      out[1] = static_cast<char>(c);
      return 2;
    case '\b':
      out[1] = 'b';
      return 2;
    case '\f':
      out[1] = 'f';
      return 2;
    case '\n':
      out[1] = 'n';
      return 2;
    case '\r':
      out[1] = 'r';
      return 2;
    case '\t':
      out[1] = 't';
      return 2;
    default:
      std::memcpy(out + 1, "u00", 3);
      out[4] = kLowerHex[c >> 4];
      out[5] = kLowerHex[c & 15];
      return 6;
  }
}

// Writes what stands at `text[0]`, which is not plain. Returns how many bytes
// it read, and moves `out` on.
std::size_t WriteSpecial(std::string_view text, char*& out) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) {
    out += EscapeAscii(lead, out);
    return 1;
  }
  const std::size_t length = Utf8Length(text);
  if (length == 0) {
    std::memcpy(out, "\\ufffd", 6);
    out += 6;
    return 1;
  }
  // U+2028 and U+2029 end a line in JavaScript.
  if (length == 3 && text.starts_with("\xe2\x80") &&
      (text[2] == '\xa8' || text[2] == '\xa9')) {
    std::memcpy(out, text[2] == '\xa8' ? "\\u2028" : "\\u2029", 6);
    out += 6;
    return 3;
  }
  std::memcpy(out, text.data(), length);
  out += length;
  return length;
}

// The string byte by byte; returns where its end goes.
char* WriteCarefully(std::string_view text, char* to) {
  while (!text.empty()) {
    std::size_t read = 1;
    if (kPlain[static_cast<unsigned char>(text[0])]) {
      *to++ = text[0];
    } else {
      read = WriteSpecial(text, to);
    }
    text.remove_prefix(read);
  }
  return to;
}

}  // namespace

char* WriteJsonString(std::string_view text, char* to) {
  *to++ = '"';
  const char* const in = text.data();
  const std::size_t size = text.size();
  // Nearly every string needs no care: copy it by words and look at the words
  // on the way; the last one overlaps the one before. Whatever turns up, begin
  // again byte by byte.
  bool care = false;
  if (size >= 8) {
    const auto copy = [&](std::size_t at) {
      std::uint64_t word;
      std::memcpy(&word, in + at, 8);
      std::memcpy(to + at, &word, 8);
      care |= NeedsCare(word);
    };
    for (std::size_t at = 0; at + 8 < size; at += 8) copy(at);
    copy(size - 8);
  } else {
    for (std::size_t at = 0; at < size; ++at) {
      to[at] = in[at];
      care |= !kPlain[static_cast<unsigned char>(in[at])];
    }
  }
  if (care) [[unlikely]] {
    to = WriteCarefully(text, to);
  } else {
    to += size;
  }
  *to++ = '"';
  return to;
}

void AppendJsonString(std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(
      before + JsonRoom(text), [&](char* bytes, std::size_t) {
        return static_cast<std::size_t>(WriteJsonString(text, bytes + before) -
                                        bytes);
      });
}

}  // namespace ta
