#include "allocator/config/nearest.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "allocator/base/ascii.h"

namespace ta {
namespace {

// What is left when style is ignored: "scrapeInterval" and "scrape-interval"
// are both "scrapeinterval".
std::string Folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '_' || c == '-') continue;
    out += AsciiLower(c);
  }
  return out;
}

// Optimal string alignment distance (Damerau-Levenshtein without editing a
// swapped pair again).
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1),
      next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1,
                          row[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

}  // namespace

std::string_view Nearest(std::string_view typed,
                         std::span<const std::string_view> known) {
  constexpr std::size_t kLongestName = 100;  // longer is no slip of a key
  if (typed.empty() || typed.size() > kLongestName) return {};
  const std::string folded = Folded(typed);
  const std::size_t limit = std::clamp<std::size_t>(folded.size() / 3, 1, 4);
  std::string_view nearest;
  std::size_t least = limit + 1;
  for (const auto candidate : known) {
    const std::string other = Folded(candidate);
    const std::size_t gap = folded.size() > other.size()
                                ? folded.size() - other.size()
                                : other.size() - folded.size();
    if (gap >= least) continue;
    const std::size_t distance = Distance(folded, other);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  if (!nearest.empty() || folded.size() < 4) return nearest;
  for (const auto candidate : known) {
    if (!Folded(candidate).starts_with(folded)) continue;
    if (!nearest.empty()) return {};
    nearest = candidate;
  }
  return nearest;
}

}  // namespace ta
