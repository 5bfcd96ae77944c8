// Go's regular expression syntax (regexp/syntax, Go 1.26) written as RE2
// 20220601 reads it. The two come from one author and differ in little: how
// groups are named, Unicode classes and their version, and `\C`.
//
// Internal to regex.h.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// The pattern for RE2. What only one of the two accepts is settled here:
//
//   (?<name>…)         (?P<name>…); names are letters, digits and underscores
//   \p{letter} \pN …   the general categories, as ranges: any case, spaces,
//                      hyphens and underscores, long names, and C, Cn, LC,
//                      Assigned and ASCII as Go 1.25 began to read them. The
//                      ranges are Unicode 15's, as Go's; RE2's own are 14's
//   \p{greek}          a script, named as RE2 wants it; its table is RE2's
//   \C                 refused
//
// Everything else passes through, for RE2 to judge, unless groups nest deeper
// than Go's 1,000 levels. The error is worded as Go
// words it. Thread-safe; linear in the pattern, but for classes, each of which
// may become 15 kB: beyond 4 MiB it is refused as too large.
struct Re2Pattern {
  std::string text;
  // How many characters, classes and the like counted repetition adds to those
  // that are written: 9 for `a{10}`, 18 for `(ab){10}`; an upper bound where
  // RE2 would simplify. Each may be tried at each place of a text.
  std::int64_t copies = 0;
};
Result<Re2Pattern> TranslateToRe2(std::string_view pattern);

// What is said of a regex that RE2 has no room for.
inline constexpr std::string_view kTooLarge =
    "expression too large: written out, with each repetition and Unicode "
    "class, it would take more than 4 MiB of memory";

// "error parsing regexp: what: `where`"; `where` is cut after 100 bytes, and
// left out if empty.
std::string RegexErrorText(std::string_view what, std::string_view where);

}  // namespace ta
