// The line of a file on which a mistake is, with a caret under the place, for a
// person at a terminal.
//
// A configuration holds passwords, and terminals are photographed and pasted
// into chats. So of a line only what can't be secret is shown: keys,
// punctuation, the values of fields that the schema knows as plain (a number, a
// duration, a regex, a name), and a value that the mistake's message quotes
// anyway. Every other value, every comment, and whatever can't be made out,
// becomes an ellipsis.

#pragma once

#include <string>
#include <string_view>

#include "allocator/config/mistake.h"

namespace ta {

struct SnippetStyle {
  bool colour = false;  // ANSI escape sequences
  int columns = 100;  // of the terminal; a longer line is cut around the caret
};

// Two lines, each ended by a newline: `  12 | text` and the caret under it.
// `line` is the whole line of the file, without its end; mistake.column counts
// its bytes from 1. Tabs become blanks, characters that are two columns wide
// are counted as such, and what is no text is U+FFFD. "" if the mistake names
// no line.
std::string Snippet(std::string_view line, const Mistake& mistake,
                    const SnippetStyle& style);

// The `number`-th line of `text`, from 1, without its end; "" if there is none.
std::string_view LineOf(std::string_view text, int number);

}  // namespace ta
