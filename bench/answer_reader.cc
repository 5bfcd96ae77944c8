#include "bench/answer_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "allocator/base/ascii.h"

namespace ta::bench {
namespace {

// A header longer than this is no answer of a server that is measured.
constexpr std::size_t kMostHeadBytes = 16 * 1024;

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

// Cuts off what stands before `mark`, and the mark itself, if it is there.
std::string_view CutAt(std::string_view& text, std::string_view mark) {
  const std::size_t at = std::min(text.find(mark), text.size());
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(std::min(at + mark.size(), text.size()));
  return before;
}

}  // namespace

AnswerReader::State AnswerReader::Take(std::string_view bytes) {
  if (status_ == 0) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    std::string_view all = bytes;
    if (!begun_.empty()) all = begun_.append(bytes);
    const std::size_t end = all.find(kEnd);
    if (end == all.npos) {
      if (all.size() > kMostHeadBytes) return State::kBroken;
      if (begun_.empty()) begun_ = bytes;
      return State::kReading;
    }
    if (!ReadHead(all.substr(0, end))) return State::kBroken;
    const std::size_t body = all.size() - end - kEnd.size();
    bytes.remove_prefix(bytes.size() - body);
  }
  if (bytes.size() > missing_) return State::kBroken;
  return Skip(bytes.size());
}

bool AnswerReader::ReadHead(std::string_view head) {
  std::string_view line = CutAt(head, "\r\n");
  if (CutAt(line, " ") != "HTTP/1.1") return false;
  const auto status = ParseNumber<int>(CutAt(line, " "));
  if (!status || *status < 200 || *status > 599) return false;
  status_ = *status;
  // RFC 9112, 6.3: these have no body, whatever they announce.
  const bool bodiless = status_ == 204 || status_ == 304;
  bool announced = bodiless;
  while (!head.empty()) {
    std::string_view value = CutAt(head, "\r\n");
    const std::string_view name = CutAt(value, ":");
    if (EqualIgnoringAsciiCase(name, "Content-Length") && !bodiless) {
      const auto length = ParseNumber<std::size_t>(TrimBlanks(value));
      if (!length) return false;
      body_bytes_ = *length;
      announced = true;
    } else if (EqualIgnoringAsciiCase(name, "ETag")) {
      etag_ = TrimBlanks(value);
    }
  }
  missing_ = body_bytes_;
  return announced;
}

}  // namespace ta::bench
