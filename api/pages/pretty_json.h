// JSON for people to read: JSON that we rendered ourselves, on lines of its own
// and indented.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ta {

// The values of the object `json`, in its order; views of it. O(n). REQUIRES:
// it is one without blanks between its parts, as we render it
std::vector<std::string_view> ValuesOf(std::string_view json);

// `json` indented, at most `limit` bytes of it. `<`, `>` and `&` stand as
// themselves again, and what a URL has between scheme and host
// (`user:password`) is "<secret>": Prometheus shows that, and a page must not.
// O(n), and n times the URLs with a user in one value. REQUIRES: as above
std::string PrettyJson(std::string_view json, std::size_t limit);

}  // namespace ta
