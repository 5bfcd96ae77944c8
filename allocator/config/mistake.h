// A mistake in a configuration: where it is, what is wrong, and what was
// probably meant. All mistakes of a file are collected before any is reported,
// so that a person mends them in one go.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ta {

// One mistake. Value type. Never holds the value of a secret field.
struct Mistake {
  std::string file;        // as the user named it
  int line = 0;            // from 1; 0 when it is about the whole file
  int column = 0;          // from 1, in bytes
  std::string path;        // "config.scrape_configs[2].scheme"; may be empty
  std::string message;     // lower case, no full stop
  std::string suggestion;  // the nearest known name; may be empty

  // `file:line:column: path: message (did you mean "x"?)`, one line whatever
  // the parts hold; what is empty is left out with its separator.
  std::string ToString() const;

  bool operator==(const Mistake&) const = default;
};

using Mistakes = std::vector<Mistake>;

// By file in the order first seen, then line, column, path, message and
// suggestion: the order in which an editor walks through them. Equal neighbours
// become one.
void SortMistakes(Mistakes& mistakes);

// `text` in double quotes, cut after 60 bytes, what would disturb a line
// escaped: how messages show what the file says. The user info of a URL, which
// may hold a password, is left out: "http://…@host".
std::string Quoted(std::string_view text);

}  // namespace ta
