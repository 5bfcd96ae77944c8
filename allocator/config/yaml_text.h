// What YAML's readers check before they look at the structure: the encoding
// and the characters. yaml-cpp lets both pass.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ta {

struct BadText {
  int line = 1;    // from 1
  int column = 1;  // from 1, in characters
  std::string message;
};

// The first place where `text` is not UTF-8, or holds a control character that
// YAML forbids (all but tab, line feed, carriage return). O(n).
std::optional<BadText> FindBadText(std::string_view text);

// Is every byte part of a well-formed UTF-8 character (no surrogates, nothing
// overlong, at most U+10FFFF)?
bool IsUtf8(std::string_view text);

}  // namespace ta
