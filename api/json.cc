#include "api/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

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

// Length of the UTF-8 sequence that `text` starts with, as Go's utf8 package
// decides it (no overlong forms, no surrogates); 0 if it is not valid.
std::size_t ValidSequence(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const auto continues = [&](std::size_t i, unsigned low = 0x80,
                             unsigned high = 0xbf) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  const unsigned char lead = at(0);
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return continues(1) ? 2 : 0;
  if (lead < 0xf0) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (lead > 0xf4) return 0;
  const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
  return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
}

// The escape of one ASCII byte that is not plain; returns its length.
std::size_t EscapeAscii(unsigned char c, char* out) {
  constexpr std::string_view kHex = "0123456789abcdef";
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
      out[4] = kHex[c >> 4];
      out[5] = kHex[c & 15];
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
  const std::size_t length = ValidSequence(text);
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

}  // namespace

void ByteBuffer::Grow(std::size_t bytes) {
  std::size_t room =
      std::max({size_ + bytes, out_.size() * 2, std::size_t{512}});
  // For a moment there are the old bytes and the new room.
  if (refused_ || (charge_ != nullptr && !charge_->Set(out_.size() + room))) {
    refused_ = true;
    size_ = 0;
    if (out_.size() >= bytes) return;
    room = bytes;
  }
  out_.resize_and_overwrite(room, [](char*, std::size_t size) { return size; });
  if (charge_ != nullptr && !refused_) (void)charge_->Set(room);
}

std::string ByteBuffer::Take() {
  out_.resize(size_);
  size_ = 0;
  // What is kept in a cache should cost what it holds, not twice that. But for
  // a moment it does.
  if (out_.capacity() > out_.size() + out_.size() / 8 &&
      (charge_ == nullptr || charge_->Set(out_.capacity() + out_.size()))) {
    out_.shrink_to_fit();
  }
  if (charge_ != nullptr) (void)charge_->Set(out_.capacity());
  return std::exchange(out_, {});
}

// The string byte by byte; returns where its end goes.
static char* WriteCarefully(std::string_view text, char* to) {
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

void AppendJsonString(std::string_view text, ByteBuffer& out) {
  out.Reserve(JsonRoom(text));
  const char* const end = WriteJsonString(text, out.end());
  out.Advance(static_cast<std::size_t>(end - out.end()));
}

std::string JsonString(std::string_view text) {
  ByteBuffer out;
  AppendJsonString(text, out);
  return out.Take();
}

void JsonWriter::Separate() {
  if (comma_) out_.Append(',');
  comma_ = true;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  out_.Append(bracket);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  out_.Append(bracket);
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  AppendJsonString(key, out_);
  out_.Append(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  Separate();
  AppendJsonString(value, out_);
  return *this;
}

JsonWriter& JsonWriter::Number(std::uint64_t value) {
  Separate();
  char digits[20];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value);
  out_.Append(std::string_view(digits, end));
  return *this;
}

JsonWriter& JsonWriter::Signed(std::int64_t value) {
  Separate();
  char digits[20];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value);
  out_.Append(std::string_view(digits, end));
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  Separate();
  char digits[32];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value);
  out_.Append(std::string_view(digits, end));
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  out_.Append(value ? "true" : "false");
  return *this;
}

std::string ErrorBody(std::string_view message) {
  ByteBuffer out;
  JsonWriter(out).BeginObject().Field("error", message).EndObject();
  out.Append('\n');
  return out.Take();
}

}  // namespace ta
