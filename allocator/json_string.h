// A string as Go's encoding/json writes it, byte for byte, because what the Go
// allocator answers is a contract: `<`, `>`, `&`, U+2028 and U+2029 are
// escaped, a byte that is not valid UTF-8 becomes \ufffd, control characters
// are \u00xx except \b \f \n \r \t.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ta {

// Writes `text` as a JSON string, quotes included, and returns where it ends.
// O(n), eight bytes at a time where nothing needs an escape.
// REQUIRES: JsonRoom(text) bytes at `to`
char* WriteJsonString(std::string_view text, char* to);
// A byte becomes six at most; then the quotes, and room to spare.
constexpr std::size_t JsonRoom(std::string_view text) {
  return text.size() * 6 + 10;
}

// The same, appended to `out`.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace ta
