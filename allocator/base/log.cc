#include "allocator/base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/base/utf8.h"

namespace ta {

struct LogCapture::Lines {
  mutable std::mutex mutex;
  std::vector<std::string> lines;  // guarded by mutex
};

namespace {

struct State {
  std::atomic<Level> level{Level::kInfo};
  std::atomic<LogFormat> format{LogFormat::kLogfmt};
  std::mutex capture_mutex;
  // Set while a LogCapture lives; guarded by capture_mutex, `capturing` saves
  // taking it.
  std::vector<std::string>* lines = nullptr;
  std::mutex* lines_mutex = nullptr;
  std::atomic<bool> capturing{false};
  spdlog::logger logger{"ta",
                        std::make_shared<spdlog::sinks::stderr_sink_mt>()};

  State() {
    logger.set_pattern("%v");
    logger.set_level(spdlog::level::trace);
    logger.flush_on(spdlog::level::trace);
  }
};

// Never destroyed, so that threads may log during exit.
State& TheLog() {
  static State* state = new State;
  return *state;
}

std::string_view Name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "error";
}

// In double quotes, with JSON's escapes; what is no UTF-8 becomes U+FFFD.
// Unlike Go's encoder it leaves `<`, `>` and `&`: people read this.
void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const unsigned char c = text.front();
    const std::size_t length = Utf8Length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text.front();
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7F) {
      out += "\\u00";
      out += kLowerHex[c >> 4];
      out += kLowerHex[c & 15];
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  out += '"';
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || std::ranges::any_of(text, [](unsigned char c) {
           return c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\';
         });
}

void AppendValue(std::string& out, LogFormat format,
                 const LogField::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (format == LogFormat::kJson || NeedsQuotes(*text)) {
      AppendQuoted(out, *text);
    } else {
      out += *text;
    }
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<double>(&value)) {
    if (format == LogFormat::kJson && !std::isfinite(*number)) {
      out += "null";
    } else {
      out += fmt::format("{}", *number);
    }
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*integer);
  } else {
    out += std::to_string(std::get<std::uint64_t>(value));
  }
}

void AppendField(std::string& out, LogFormat format, const LogField& field) {
  const bool json = format == LogFormat::kJson;
  if (!out.empty() && out != "{") out += json ? ',' : ' ';
  if (json) {
    AppendQuoted(out, field.key);
    out += ':';
  } else {
    out += field.key;
    out += '=';
  }
  AppendValue(out, format, field.value);
}

// RFC 3339 in UTC with milliseconds.
std::string Now() {
  using std::chrono::floor;
  const auto now =
      floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto day = floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                     int{date.year()}, unsigned{date.month()},
                     unsigned{date.day()}, time.hours().count(),
                     time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

// Appends to what is in `out`.
void AppendLine(std::string& out, LogFormat format, Level level,
                std::string_view message,
                std::initializer_list<LogField> fields) {
  AppendField(out, format, {"level", Name(level)});
  // Always quoted, so that lines read alike.
  if (format == LogFormat::kLogfmt) {
    out += " msg=";
    AppendQuoted(out, message);
  } else {
    AppendField(out, format, {"msg", message});
  }
  for (const LogField& field : fields) AppendField(out, format, field);
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view text) {
  const std::string lower = AsciiLower(text);
  if (lower == "warning") return Level::kWarn;
  for (const Level level :
       {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    if (lower == Name(level)) return level;
  }
  std::string message = "log level ";
  AppendQuoted(message, text);
  return Reject(message + " is none of debug, info, warn, error");
}

Result<LogFormat> ParseLogFormat(std::string_view text) {
  const std::string lower = AsciiLower(text);
  if (lower == "logfmt") return LogFormat::kLogfmt;
  if (lower == "json") return LogFormat::kJson;
  std::string message = "log format ";
  AppendQuoted(message, text);
  return Reject(message + " is neither logfmt nor json");
}

void SetUpLog(Level level, LogFormat format) {
  TheLog().level = level;
  TheLog().format = format;
}

bool LogEnabled(Level level) {
  State& log = TheLog();
  return level >= log.level || log.capturing;
}

void Log(Level level, std::string_view message,
         std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  State& log = TheLog();
  if (log.capturing) {
    const std::lock_guard lock(log.capture_mutex);
    if (log.lines != nullptr) {
      const std::lock_guard lines_lock(*log.lines_mutex);
      log.lines->push_back(
          FormatLogLine(LogFormat::kLogfmt, level, message, fields));
      return;
    }
  }
  if (level < log.level) return;
  // spdlog reports what it can't write on stderr itself and doesn't throw. The
  // line is an argument, not the pattern, so braces in it are only text.
  const LogFormat format = log.format;
  std::string line;
  if (format == LogFormat::kJson) line += '{';
  AppendField(line, format, {"ts", Now()});
  AppendLine(line, format, level, message, fields);
  if (format == LogFormat::kJson) line += '}';
  log.logger.log(spdlog::level::info, spdlog::string_view_t(line));
}

std::string FormatLogLine(LogFormat format, Level level,
                          std::string_view message,
                          std::initializer_list<LogField> fields) {
  std::string line;
  AppendLine(line, format, level, message, fields);
  return line;
}

LogCapture::LogCapture() : lines_(std::make_shared<Lines>()) {
  State& log = TheLog();
  const std::lock_guard lock(log.capture_mutex);
  log.lines = &lines_->lines;
  log.lines_mutex = &lines_->mutex;
  log.capturing = true;
}

LogCapture::~LogCapture() {
  State& log = TheLog();
  const std::lock_guard lock(log.capture_mutex);
  log.lines = nullptr;
  log.lines_mutex = nullptr;
  log.capturing = false;
}

std::vector<std::string> LogCapture::lines() const {
  const std::lock_guard lock(lines_->mutex);
  return lines_->lines;
}

int LogCapture::Count(std::string_view text) const {
  const std::lock_guard lock(lines_->mutex);
  return static_cast<int>(
      std::ranges::count_if(lines_->lines, [&](const std::string& line) {
        return line.find(text) != std::string::npos;
      }));
}

}  // namespace ta
