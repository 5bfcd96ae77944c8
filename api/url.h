// Request targets as the Go allocator reads and writes them. The raw path is
// split at '/' first and each segment decoded after that, as a query is: a job
// named "a/b c+d" is /jobs/a%2Fb+c%2Bd/targets.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/base/percent.h"

namespace ta {

// Undoes QueryEscape (base/percent.h): "+" is a space, %XX a byte. Nothing if a
// "%" is not followed by two hexadecimal digits.
std::optional<std::string> QueryUnescape(std::string_view text);

// A query, decoded. Values keep their order: of several with one name, Go's
// Query()[name][0] is the first.
class Query {
 public:
  // Nothing if the text can't be decoded. Go drops such a pair and goes on;
  // here that would turn a collector's question into everyone's answer.
  static std::optional<Query> Parse(std::string_view text);

  // The first value of `name`; nothing if it is not there. May be empty.
  std::optional<std::string_view> First(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const {
    return pairs_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// A request target cut in two; neither is decoded.
struct RawTarget {
  std::string_view path;
  std::string_view query;  // without the "?"
};
// Accepts origin form and absolute form (RFC 9112, 3.2); drops a fragment.
RawTarget SplitTarget(std::string_view target);

// The path between its slashes, not decoded: "/jobs/a/targets" is {"jobs", "a",
// "targets"}, "/" is {""}, "/jobs/" is {"jobs", ""}. REQUIRES: path starts with
// "/"
std::vector<std::string_view> SplitPath(std::string_view path);

}  // namespace ta
