// Text as Go's standard library and Prometheus's own parsers treat it, where
// what Prometheus does with a target depends on it: quoting in messages, simple
// Unicode case mapping, durations, booleans.

#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// strconv.Quote: a double-quoted Go string literal.
std::string GoQuote(std::string_view text);

// strings.ToLower and strings.ToUpper: each rune by its simple mapping (so "ß"
// stays), each byte that is no UTF-8 becomes U+FFFD. Appends to `out`.
void AppendGoLower(std::string_view text, std::string& out);
void AppendGoUpper(std::string_view text, std::string& out);

// utf8.ValidString.
bool IsValidUtf8(std::string_view text);
// How many bytes of UTF-8 it begins with.
std::size_t ValidUtf8Prefix(std::string_view text);

// `text` with each byte that is no UTF-8 replaced by U+FFFD.
std::string ToValidUtf8(std::string_view text);

// model.ValidationScheme.IsValidLabelName: any UTF-8, or, if `legacy`, letters,
// digits and underscores; never empty.
bool IsValidLabelName(std::string_view name, bool legacy);

// model.ParseDuration: "1h30m", units y w d h m s ms in falling order, or "0".
// The error is Go's: `not a valid duration string: "1x"`.
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);

// strconv.ParseBool: 1, t, T, TRUE, true, True and their opposites. The error
// is Go's: `strconv.ParseBool: parsing "x": invalid syntax`.
Result<bool> ParseBool(std::string_view text);

}  // namespace ta
