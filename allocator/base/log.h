// The log: one event a line on stderr, as logfmt or JSON. Log where an error is
// handled, once, and changes of state rather than each retry; never a token, a
// header's value or the user part of a URL. Not for the core, which returns its
// reasons as values.
//
//   Log(Level::kWarn, "file kept its last good content",
//       {{"file", path}, {"err", error.message}});
//
//   ts=2026-01-02T03:04:05.678Z level=warn msg="file kept its last good
//   content" file=/sd/a.json err="not a list"

#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "allocator/base/result.h"

namespace ta {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
using Level = LogLevel;  // short, for the many places that log
enum class LogFormat { kLogfmt, kJson };

// "debug", "info", "warn" (or "warning"), "error"; "logfmt", "json"; in any
// case. An error names what there is.
Result<LogLevel> ParseLogLevel(std::string_view text);
Result<LogFormat> ParseLogFormat(std::string_view text);

// One key with its value. Borrows both: make it in the call of Log only.
// Keys are lower_snake literals; values are any bytes.
struct LogField {
  using Value =
      std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  LogField(std::string_view key, std::string_view value)
      : key(key), value(value) {}
  LogField(std::string_view key, const std::string& value)
      : key(key), value(std::string_view(value)) {}
  // A literal would become a bool by itself.
  LogField(std::string_view key, const char* value)
      : key(key), value(std::string_view(value)) {}
  LogField(std::string_view key, bool value) : key(key), value(value) {}
  LogField(std::string_view key, double value) : key(key), value(value) {}
  template <std::signed_integral T>
  LogField(std::string_view key, T value)
      : key(key), value(std::int64_t{value}) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view key, T value)
      : key(key), value(std::uint64_t{value}) {}

  std::string_view key;
  Value value;
};

// What is below `level` is dropped from now on. Before the first call: info and
// logfmt. Thread-safe, but lines being written meanwhile may use either format.
void SetUpLog(Level level, LogFormat format);

// Is `level` written? For what is costly to put together.
bool LogEnabled(Level level);

// Writes one line, whole. Thread-safe; blocks as long as stderr does. Fields
// come in the order given, after ts, level and msg.
void Log(Level level, std::string_view message,
         std::initializer_list<LogField> fields = {});

// The line without its `ts` and, for JSON, without the braces around it. Pure.
std::string FormatLogLine(LogFormat format, Level level,
                          std::string_view message,
                          std::initializer_list<LogField> fields);

// Collects lines instead of writing them, of every level, for a test. One at a
// time; others must not log through it once it is gone, which holds when it
// outlives what it watches. Thread-safe.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // So far, without `ts`, as logfmt.
  std::vector<std::string> lines() const;
  // How many lines contain `text`.
  int Count(std::string_view text) const;

 private:
  struct Lines;
  std::shared_ptr<Lines> lines_;
};

}  // namespace ta
