// Why a relabel rule matched or didn't, in words: what a person would otherwise
// find out by trying the regex on a website.

#pragma once

#include <map>
#include <string>

#include "allocator/config/config.h"
#include "allocator/relabel.h"

namespace ta {

using LabelTexts = std::map<std::string, std::string, std::less<>>;

// One sentence, without a full stop, about what `rule` saw in `before`, the
// labels that it was applied to, and `step`, what it did. Where a regex did not
// match, also how far it came: how much of the value a beginning of the regex
// matches, and what of both is left. Values are quoted as Go does it and cut
// after 200 bytes. Slow: it compiles many regexes.
std::string Why(const RelabelConfig& rule, const RelabelStep& step,
                const LabelTexts& before);

}  // namespace ta
