// Durations and sizes as the two languages of our file write them: Prometheus's
// (model.Duration, units.Base2Bytes) inside `config:`, Go's (time.Duration) for
// the allocator's own settings. They differ: `1d` is only Prometheus's, `1.5h`
// only Go's. Printing is exactly Go's, because it ends up in /scrape_configs
// and in labels.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// Prometheus's: `1h30m`, units y w d h m s ms from large to small, each once,
// whole numbers, not negative; `0` needs no unit. Error: says what was
// expected. Source: prometheus/common model/time.go.
Result<std::chrono::milliseconds> ParsePrometheusDuration(
    std::string_view text);
// `90000ms` is "1m30s", 0 is "0s"; days are not folded into weeks unless exact.
std::string FormatPrometheusDuration(std::chrono::milliseconds duration);

// Go's time.ParseDuration: `1m30s`, `1.5h`, `-2s`, units ns us µs ms s m h in
// any order; `0` needs no unit.
Result<std::chrono::nanoseconds> ParseGoDuration(std::string_view text);

// Base-2 sizes: `10MB` and `10MiB` are both 10 · 2²⁰ bytes, `1GB512MB` adds up;
// `kB` is no unit. Source: alecthomas/units.
Result<std::int64_t> ParseBytes(std::string_view text);
// 1536 is "1KiB512B"; 0 is "0B".
std::string FormatBytes(std::int64_t bytes);

}  // namespace ta
