// What YAML's readers check before they look at the structure: the encoding
// and the characters. yaml-cpp lets both pass.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ta {

struct BadText {
  int line = 1;    // from 1
  int column = 1;  // from 1, in bytes
  std::string message;
};

// The first place where `text` is not UTF-8, or holds a control character that
// YAML forbids (all but tab, line feed, carriage return). O(n).
std::optional<BadText> FindBadText(std::string_view text);

// A place in a text.
struct TextPlace {
  int line = 1;            // from 1
  int column = 1;          // from 1, in bytes
  std::size_t offset = 0;  // in bytes
};

// Where the dash stands that begins the empty element of a block sequence after
// which the next token is at `next`: before it, over blank lines and comments.
// `next` itself if there is none.
TextPlace DashBefore(std::string_view text, TextPlace next);

// Does a quoted scalar begin at `offset` (after its tag and anchor), whose
// closing quote is missing?
bool QuoteIsOpen(std::string_view text, std::size_t offset);

// The bytes that padded base64 text stands for, line ends ignored (as Go's
// StdEncoding); nullopt if it is something else.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace ta
