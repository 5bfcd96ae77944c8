// The known name nearest to what a person typed, for "did you mean".

#pragma once

#include <span>
#include <string_view>

namespace ta {

// The nearest of `known` by edit distance: insertions, deletions, replacements
// and swaps of neighbours count one each, and letter case, '-' for '_' and
// missing underscores count nothing. Empty if nothing is near: more edits than
// a third of the typed name (at least one, at most four). Ties go to the first
// in `known`. Where nothing is near, the one name that begins with what was
// typed (four letters or more) is it. O(|known| · length²).
std::string_view Nearest(std::string_view typed,
                         std::span<const std::string_view> known);

}  // namespace ta
