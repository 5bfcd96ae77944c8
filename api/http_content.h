// Content negotiation (RFC 9110): which encoding and which form a client takes,
// whether it already has what it asks for, and gzip.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ta {

// Whether an Accept-Encoding header takes gzip, q-values and `*` respected. A
// missing or empty header takes none: no answer has to be compressed.
bool AcceptsGzip(std::string_view accept_encoding);

// Whether an Accept header asks for a page rather than for JSON: it names
// text/html, as browsers do, and wants that no less than JSON, by q-values.
// Whoever takes anything (`*/*`, no header) is a program and gets JSON.
bool PrefersHtml(std::string_view accept);

// Whether an If-None-Match header (`*`, or a list of entity tags) names `etag`,
// by weak comparison. Empty never matches.
bool MatchesETag(std::string_view if_none_match, std::string_view etag);

// Below this many bytes gzip saves less than its own headers and the work.
inline constexpr std::size_t kGzipMinBytes = 512;

// Above this many bytes compressing would hold a thread for seconds, and zlib
// counts in 32 bits.
inline constexpr std::size_t kGzipMaxBytes = std::size_t{1} << 30;

// What Gzip needs at most, beside `bytes` of body, while it works.
std::size_t GzipBound(std::size_t bytes);

// `body` as a gzip member; "" where that fails or `body` is above
// kGzipMaxBytes, so that it is sent as it is. It is compressed, at the fastest
// level: labels repeat so much that the better ones gain a few percent for
// several times the work. The header has no time, so equal bodies give equal
// bytes. Keeps 260 kB of memory a thread.
std::string Gzip(std::string_view body);

}  // namespace ta
