#include "api/url.h"

#include <algorithm>

namespace ta {
std::optional<std::string> QueryUnescape(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '+', ' ');
  return PercentDecodeStrictly(plain);
}

std::optional<Query> Query::Parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    // Go refuses semicolons, which once separated pairs, too.
    if (pair.find(';') != pair.npos) return std::nullopt;
    const std::size_t equals = pair.find('=');
    auto name = QueryUnescape(pair.substr(0, equals));
    auto value = QueryUnescape(equals == pair.npos ? std::string_view()
                                                   : pair.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    query.pairs_.emplace_back(*std::move(name), *std::move(value));
  }
  return query;
}

std::optional<std::string_view> Query::First(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

RawTarget SplitTarget(std::string_view target) {
  target = target.substr(0, target.find('#'));
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t slash = target.find_first_of("/?", scheme.size());
    target =
        slash == target.npos ? std::string_view("/") : target.substr(slash);
  }
  const std::size_t mark = target.find('?');
  RawTarget raw{target.substr(0, mark), {}};
  if (mark != target.npos) raw.query = target.substr(mark + 1);
  if (raw.path.empty()) raw.path = "/";
  return raw;
}

std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::size_t end = path.find('/');
    segments.push_back(path.substr(0, end));
    path = end == path.npos ? std::string_view() : path.substr(end);
  }
  return segments;
}

}  // namespace ta
