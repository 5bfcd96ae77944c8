#include "allocator/config/mistake.h"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

#include "allocator/base/printable.h"

namespace ta {
namespace {

constexpr std::size_t kShownBytes = 60;

// The end of the last whole UTF-8 character within `limit` bytes.
std::size_t CutAt(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text.size();
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80)
    --limit;
  return limit;
}

}  // namespace

std::string Mistake::ToString() const {
  std::string raw = file;
  if (line > 0) {
    if (!raw.empty()) raw += ':';
    raw += std::to_string(line) + ":" + std::to_string(column);
  }
  for (const auto& part : {path, message}) {
    if (part.empty()) continue;
    if (!raw.empty()) raw += ": ";
    raw += part;
  }
  if (!suggestion.empty()) raw += " (did you mean \"" + suggestion + "\"?)";
  return Printable(raw);
}

void SortMistakes(Mistakes& mistakes) {
  std::map<std::string, std::size_t> first_seen;
  for (const auto& mistake : mistakes)
    first_seen.emplace(mistake.file, first_seen.size());
  const auto key = [&](const Mistake& m) {
    return std::make_tuple(first_seen.find(m.file)->second, m.line, m.column,
                           std::cref(m.path), std::cref(m.message),
                           std::cref(m.suggestion));
  };
  std::sort(
      mistakes.begin(), mistakes.end(),
      [&](const Mistake& a, const Mistake& b) { return key(a) < key(b); });
  mistakes.erase(std::unique(mistakes.begin(), mistakes.end()), mistakes.end());
}

std::string Quoted(std::string_view text) {
  const auto slashes = text.find("//");
  const auto at = text.rfind('@');
  if (slashes != text.npos && at != text.npos && slashes + 2 < at &&
      text.substr(slashes + 2, at - slashes - 2) != "…")
    return Quoted(std::string(text.substr(0, slashes + 2)) + "…" +
                  std::string(text.substr(at)));
  const std::size_t end = CutAt(text, kShownBytes);
  std::string out = "\"";
  AppendPrintable(text.substr(0, end), out);
  out += end < text.size() ? "…\"" : "\"";
  return out;
}

}  // namespace ta
