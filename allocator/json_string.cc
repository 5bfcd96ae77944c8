#include "allocator/json_string.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "allocator/base/ascii.h"
#include "allocator/base/utf8.h"

namespace ta {
namespace {

// Bytes that are looked at together. Vectors of GCC and clang: one instruction
// each where the machine has them.
template <std::size_t kBytes>
using Bytes [[gnu::vector_size(kBytes)]] = signed char;

// Which bytes are a control character, not ASCII, or one of the five that Go
// escapes: not zero there. What is not ASCII is negative. '&' (0x26) and '"'
// (0x22) differ in one bit, and so do '<' (0x3c) and '>' (0x3e): one comparison
// each, with that bit set.
template <typename Vector>
Vector NeedCare(Vector bytes) {
  return (bytes < 0x20) | ((bytes | 0x04) == '&') | ((bytes | 0x02) == '>') |
         (bytes == '\\');
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

// Copies the bytes, kBytes at a time, the last ones overlapping those before,
// and looks at them on the way: does any need care? REQUIRES: size >= kBytes
template <std::size_t kBytes>
bool CopyBy(const char* from, std::size_t size, char* to) {
  Bytes<kBytes> care{};
  const auto copy = [&](std::size_t at) {
    Bytes<kBytes> bytes;
    std::memcpy(&bytes, from + at, kBytes);
    std::memcpy(to + at, &bytes, kBytes);
    care |= NeedCare(bytes);
  };
  for (std::size_t at = 0; at + kBytes < size; at += kBytes) copy(at);
  copy(size - kBytes);
  std::uint64_t any = 0;
  for (std::size_t at = 0; at < kBytes; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, reinterpret_cast<const char*>(&care) + at, 8);
    any |= word;
  }
  return any != 0;
}

}  // namespace

char* WriteJsonString(std::string_view text, char* to) {
  *to++ = '"';
  const char* const in = text.data();
  const std::size_t size = text.size();
  // Nearly every string needs no care. Whatever turns up, begin again byte by
  // byte.
  bool care = false;
  if (size >= 16) {
    care = CopyBy<16>(in, size, to);
  } else if (size >= 8) {
    care = CopyBy<8>(in, size, to);
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
