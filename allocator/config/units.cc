#include "allocator/config/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "allocator/config/mistake.h"

namespace ta {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr std::uint64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();

constexpr std::uint64_t kDayMs = 86'400'000;
// From large to small: a duration must use them in this order. Milliseconds.
constexpr std::array<Unit, 7> kPrometheusUnits = {{{"y", 365 * kDayMs},
                                                   {"w", 7 * kDayMs},
                                                   {"d", kDayMs},
                                                   {"h", 3'600'000},
                                                   {"m", 60'000},
                                                   {"s", 1000},
                                                   {"ms", 1}}};
// Go keeps nanoseconds in an int64, so a duration ends after 292 years.
constexpr std::uint64_t kMaxMs = kMaxInt64 / 1'000'000;

constexpr std::array<Unit, 8> kGoUnits = {{{"ns", 1},
                                           {"us", 1000},
                                           {"µs", 1000},  // U+00B5
                                           {"μs", 1000},  // U+03BC
                                           {"ms", 1'000'000},
                                           {"s", 1'000'000'000},
                                           {"m", 60'000'000'000},
                                           {"h", 3'600'000'000'000}}};

std::unexpected<Error> NoDuration(std::string_view text) {
  return Reject(
      "expected a duration, a whole number with a unit such as 30s or 1m30s, "
      "got " +
      Quoted(text));
}

std::unexpected<Error> NoGoDuration(std::string_view text) {
  return Reject(
      "expected a duration with units of at most h, such as 30s or 1m30s, "
      "got " +
      Quoted(text));
}

// Takes [0-9]* from the front; nullopt if it does not fit.
std::optional<std::uint64_t> TakeDigits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && IsDigit(text[length])) ++length;
  std::uint64_t value = 0;
  if (length > 0) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + length, value);
    if (error != std::errc{}) return std::nullopt;
  }
  text.remove_prefix(length);
  return value;
}

}  // namespace

Result<std::chrono::milliseconds> ParsePrometheusDuration(
    std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return NoDuration(text);
  std::string_view rest = text;
  std::uint64_t total = 0;
  std::size_t next_unit = 0;  // units before this one have had their turn
  while (!rest.empty()) {
    if (!IsDigit(rest[0])) return NoDuration(text);
    const auto amount = TakeDigits(rest);
    if (!amount) return NoDuration(text);
    std::size_t length = 0;
    while (length < rest.size() && !IsDigit(rest[length])) ++length;
    const std::string_view name = rest.substr(0, length);
    rest.remove_prefix(length);
    std::size_t unit = 0;
    while (unit < kPrometheusUnits.size() &&
           kPrometheusUnits[unit].name != name)
      ++unit;
    if (unit == kPrometheusUnits.size()) return NoDuration(text);
    if (unit < next_unit)
      return Reject("units of a duration go from large to small, each once: " +
                    Quoted(text));
    next_unit = unit + 1;
    const std::uint64_t size = kPrometheusUnits[unit].size;
    if (*amount > kMaxMs / size || total + *amount * size > kMaxMs)
      return Reject("duration out of range: " + Quoted(text));
    total += *amount * size;
  }
  return std::chrono::milliseconds(total);
}

std::string FormatPrometheusDuration(std::chrono::milliseconds duration) {
  if (duration.count() == 0) return "0s";
  std::string out = duration.count() < 0 ? "-" : "";
  auto left = static_cast<std::uint64_t>(
      duration.count() < 0 ? -duration.count() : duration.count());
  for (const auto& [name, size] : kPrometheusUnits) {
    const bool only_exact = name == "y" || name == "w";
    if (only_exact && left % size != 0) continue;
    if (left / size == 0) continue;
    out += std::to_string(left / size);
    out += name;
    left %= size;
  }
  return out;
}

Result<std::chrono::nanoseconds> ParseGoDuration(std::string_view text) {
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return NoGoDuration(text);
  std::uint64_t total = 0;
  while (!rest.empty()) {
    if (rest[0] != '.' && !IsDigit(rest[0])) return NoGoDuration(text);
    std::size_t before = rest.size();
    const auto whole = TakeDigits(rest);
    if (!whole) return NoGoDuration(text);
    bool digits = rest.size() < before;
    double fraction = 0;
    if (!rest.empty() && rest[0] == '.') {
      rest.remove_prefix(1);
      before = rest.size();
      double scale = 1;
      while (!rest.empty() && IsDigit(rest[0])) {
        scale /= 10;
        fraction += (rest[0] - '0') * scale;
        rest.remove_prefix(1);
      }
      digits = digits || rest.size() < before;
    }
    if (!digits) return NoGoDuration(text);
    std::size_t length = 0;
    while (length < rest.size() && rest[length] != '.' &&
           !IsDigit(rest[length]))
      ++length;
    const std::string_view name = rest.substr(0, length);
    rest.remove_prefix(length);
    std::uint64_t size = 0;
    for (const auto& unit : kGoUnits) {
      if (unit.name == name) size = unit.size;
    }
    if (size == 0) return NoGoDuration(text);
    const auto part =
        static_cast<std::uint64_t>(fraction * static_cast<double>(size) + 0.5);
    if (*whole > kMaxInt64 / size || total > kMaxInt64 - *whole * size ||
        total + *whole * size > kMaxInt64 - part)
      return Reject("duration out of range: " + Quoted(text));
    total += *whole * size + part;
  }
  const auto value = static_cast<std::int64_t>(total);
  return std::chrono::nanoseconds(negative ? -value : value);
}

Result<std::int64_t> ParseBytes(std::string_view text) {
  const auto bad = [&] {
    return Reject("expected a size such as 10MB or 1GiB, got " + Quoted(text));
  };
  static constexpr std::string_view kPrefixes = "KMGTPE";
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return 0;
  if (rest.empty()) return bad();
  double total = 0;
  // One text may not mix `KiB` with `KB`: upstream tries one map of units,
  // then the other.
  bool with_i = false, without_i = false;
  while (!rest.empty()) {
    if (rest[0] != '.' && !IsDigit(rest[0])) return bad();
    std::size_t before = rest.size();
    const auto whole = TakeDigits(rest);
    if (!whole || *whole > kMaxInt64) return bad();
    bool digits = rest.size() < before;
    double value = static_cast<double>(*whole);
    if (!rest.empty() && rest[0] == '.') {
      rest.remove_prefix(1);
      before = rest.size();
      const auto decimals = TakeDigits(rest);
      if (!decimals) return bad();
      double scale = 1;
      for (std::size_t n = before - rest.size(); n > 0; --n) scale *= 10;
      value += static_cast<double>(*decimals) / scale;
      digits = digits || rest.size() < before;
    }
    if (!digits) return bad();
    std::size_t length = 0;
    while (length < rest.size() && rest[length] != '.' &&
           !IsDigit(rest[length]))
      ++length;
    const std::string_view unit = rest.substr(0, length);
    rest.remove_prefix(length);
    double size = 1;
    if (unit != "B") {
      const auto power = unit.empty() ? unit.npos : kPrefixes.find(unit[0]);
      const auto suffix = unit.empty() ? unit : unit.substr(1);
      if (power == unit.npos || (suffix != "B" && suffix != "iB")) return bad();
      (suffix == "iB" ? with_i : without_i) = true;
      for (std::size_t n = 0; n <= power; ++n) size *= 1024;
    }
    total += value * size;
  }
  if (with_i && without_i) return bad();
  constexpr double kLimit = 9223372036854775808.0;  // 2⁶³
  if (total >= kLimit) return Reject("size out of range: " + Quoted(text));
  const auto bytes = static_cast<std::int64_t>(total);
  return negative ? -bytes : bytes;
}

std::string FormatBytes(std::int64_t bytes) {
  static constexpr std::array<std::string_view, 7> kUnits = {
      "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::string out;
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const std::int64_t digit = bytes % 1024;
    if (digit != 0 || (i == 0 && bytes == 0))
      out = std::to_string(digit) + std::string(kUnits[i]) + out;
    bytes /= 1024;
    if (bytes == 0) break;
  }
  return out;
}

}  // namespace ta
