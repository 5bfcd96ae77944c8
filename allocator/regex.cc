#include "allocator/regex.h"

#include <re2/re2.h>
#include <utf8proc.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "allocator/go_text.h"
#include "allocator/regex_syntax.h"
#include "allocator/simple_regex.h"

namespace ta {
namespace {

// Enough for every group of a sane rule; more are put on the heap.
constexpr std::size_t kGroupsOnStack = 16;

// For RE2: what a regex may take, with what it remembers of texts. That is
// 350,000 instructions before they are laid out: 11,000 metric names with a
// `.*`, 260 kB written by hand; it compiles in a few tenths of a second within
// 32 MB. Go takes ten
// times as many, but to Go a Unicode class is one, to RE2 a thousand.
constexpr std::int64_t kMaxMemory = 4 << 20;

// What is accepted may remember more of the texts that it meets: with the bound
// above, 1,000 alternatives that share nothing would not find room for that,
// and take fifty times as long for each text. Also for what is made when a
// SimpleRegex, which is bounded by the length of its pattern, needs help.
constexpr std::int64_t kMaxMemoryToMatch = 64 << 20;

// Up to this many instructions the bound above is room enough.
constexpr int kSmallProgram = 1'000;

// What counted repetition may add. Each copy can be alive at each byte of a
// text, and none of RE2's ways to match is then better than their product:
// 10,000 copies of `a?` take 32 s for a value of 200 kB (Go: minutes).
constexpr std::int64_t kMaxCopies = 10'000;

std::string_view GoErrorText(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    default:
      return kTooLarge;
  }
}

std::unique_ptr<RE2> NewRe2(std::string_view pattern, std::int64_t max_memory) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(max_memory);
  return std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()),
                               options);
}

re2::StringPiece Piece(std::string_view text) {
  return {text.data(), text.size()};
}

// A text that is no UTF-8 as Go sees it: each byte that is none is U+FFFD. RE2
// would see no character there at all.
struct Repaired {
  std::string text;
  std::vector<std::size_t> origins;  // by place in `text`, one past its end too

  explicit Repaired(std::string_view broken) {
    while (!broken.empty()) {
      const std::size_t valid = ValidUtf8Prefix(broken);
      for (std::size_t i = 0; i < valid; ++i) origins.push_back(done_ + i);
      text += broken.substr(0, valid);
      done_ += valid;
      broken.remove_prefix(valid);
      if (broken.empty()) break;
      text += "\xef\xbf\xbd";
      origins.insert(origins.end(), 3, done_++);
      broken.remove_prefix(1);
    }
    origins.push_back(done_);
  }
  // Where the character of the original that begins at `origin` begins here.
  std::size_t Place(std::size_t origin) const {
    return static_cast<std::size_t>(std::ranges::lower_bound(origins, origin) -
                                    origins.begin());
  }

 private:
  std::size_t done_ = 0;
};

}  // namespace

struct Regex::Engines {
  std::optional<SimpleRegex> simple;
  // Beside a SimpleRegex, or of a large program, made when it is first asked.
  mutable std::once_flag once;
  mutable std::unique_ptr<RE2> re2;
  std::string anchored;  // what RE2 reads

  const RE2& Re2() const {
    std::call_once(once, [this] {
      if (re2 == nullptr) re2 = NewRe2(anchored, kMaxMemoryToMatch);
    });
    return *re2;
  }
};

Regex::Regex() : engines_(std::make_unique<Engines>()) {}
Regex::~Regex() = default;

Result<std::shared_ptr<const Regex>> Regex::Compile(std::string_view pattern,
                                                    Engine engine) {
  struct Cache {
    std::mutex mutex;  // guards regexes
    std::map<std::string, std::weak_ptr<const Regex>, std::less<>> regexes;
    std::size_t sweep_at = 256;
  };
  static Cache& cache = *new Cache;
  if (engine == Engine::kBest) {
    const std::lock_guard lock(cache.mutex);
    if (const auto found = cache.regexes.find(pattern);
        found != cache.regexes.end()) {
      if (auto regex = found->second.lock()) return regex;
    }
  }

  std::shared_ptr<Regex> regex(new Regex);
  regex->pattern_ = pattern;
  const std::string anchored = "^(?s:" + std::string(pattern) + ")$";
  if (engine == Engine::kBest) {
    regex->engines_->simple = SimpleRegex::Parse(pattern);
  }
  if (regex->engines_->simple) {
    regex->group_count_ = regex->engines_->simple->group_count();
    regex->matches_all_ = regex->engines_->simple->matches_all();
    regex->engines_->anchored = anchored;
  } else {
    const auto translated = TranslateToRe2(anchored);
    if (!translated) return std::unexpected(translated.error());
    auto re2 = NewRe2(translated->text, kMaxMemory);
    if (!re2->ok()) {
      return Reject(
          RegexErrorText(GoErrorText(re2->error_code()), re2->error_arg()));
    }
    if (translated->copies > kMaxCopies) {
      return Reject(RegexErrorText(
          "expression too large: its repetitions make more than 10,000 copies "
          "of what they repeat",
          {}));
    }
    regex->group_count_ = re2->NumberOfCapturingGroups() + 1;
    regex->names_.assign(re2->NamedCapturingGroups().begin(),
                         re2->NamedCapturingGroups().end());
    if (re2->ProgramSize() <= kSmallProgram) {
      regex->engines_->re2 = std::move(re2);
    } else {
      regex->engines_->anchored = translated->text;
    }
  }
  if (engine != Engine::kBest) return regex;

  const std::lock_guard lock(cache.mutex);
  auto& known = cache.regexes[regex->pattern_];
  if (auto other = known.lock()) return other;
  known = regex;
  if (cache.regexes.size() >= cache.sweep_at) {
    std::erase_if(cache.regexes,
                  [](const auto& entry) { return entry.second.expired(); });
    cache.sweep_at = 2 * cache.regexes.size() + 256;
  }
  return regex;
}

int Regex::GroupNamed(std::string_view name) const {
  const auto found =
      std::ranges::find(names_, name, &std::pair<std::string, int>::first);
  return found == names_.end() ? -1 : found->second;
}

bool Regex::Matches(std::string_view text) const { return Match(text, {}); }

bool Regex::Match(std::string_view text,
                  std::span<std::string_view> groups) const {
  if (engines_->simple) {
    switch (engines_->simple->Match(text, groups)) {
      case SimpleRegex::Verdict::kMatch:
        return true;
      case SimpleRegex::Verdict::kNoMatch:
        return false;
      case SimpleRegex::Verdict::kDontKnow:
        break;
    }
  }
  return MatchFrom(text, 0, groups);
}

// On RE2. It searches: a pattern may end the group that anchors it, as `a)|(b`
// does, and Go doesn't mind.
bool Regex::MatchFrom(std::string_view text, std::size_t from,
                      std::span<std::string_view> groups) const {
  assert(groups.size() <= static_cast<std::size_t>(group_count_));
  if (!IsValidUtf8(text)) {
    const Repaired repaired(text);
    const std::string_view whole = repaired.text;
    if (!MatchFrom(whole, repaired.Place(from), groups)) return false;
    for (std::string_view& group : groups) {
      if (group.data() == nullptr) continue;
      const auto at = static_cast<std::size_t>(group.data() - whole.data());
      const std::size_t begin = repaired.origins[at];
      group = text.substr(begin, repaired.origins[at + group.size()] - begin);
    }
    return true;
  }
  const RE2& re2 = engines_->Re2();
  if (groups.empty()) {
    return re2.Match(Piece(text), from, text.size(), RE2::UNANCHORED, nullptr,
                     0);
  }
  re2::StringPiece on_stack[kGroupsOnStack];
  std::vector<re2::StringPiece> on_heap;
  re2::StringPiece* pieces = on_stack;
  if (groups.size() > kGroupsOnStack) {
    on_heap.resize(groups.size());
    pieces = on_heap.data();
  }
  if (!re2.Match(Piece(text), from, text.size(), RE2::UNANCHORED, pieces,
                 static_cast<int>(groups.size()))) {
    return false;
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i] = {pieces[i].data(), pieces[i].size()};
  }
  return true;
}

// ------------------------------------------------------------ templates

namespace {

bool IsNameRune(std::string_view text, std::size_t& bytes) {
  utf8proc_int32_t rune = -1;
  const auto length =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &rune);
  if (length <= 0) return false;
  bytes = static_cast<std::size_t>(length);
  if (rune == '_') return true;
  switch (utf8proc_category(rune)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
      return true;
    default:
      return false;
  }
}

// The name after a dollar, and what of `text` it took. Nothing if there is no
// well-formed one (regexp's extract).
std::optional<std::string_view> TakeName(std::string_view& text) {
  std::string_view rest = text;
  const bool brace = rest.starts_with("{");
  if (brace) rest.remove_prefix(1);
  std::size_t length = 0;
  std::size_t bytes = 0;
  while (length < rest.size() && IsNameRune(rest.substr(length), bytes)) {
    length += bytes;
  }
  if (length == 0) return std::nullopt;
  const std::string_view name = rest.substr(0, length);
  rest.remove_prefix(length);
  if (brace) {
    if (!rest.starts_with("}")) return std::nullopt;
    rest.remove_prefix(1);
  }
  text = rest;
  return name;
}

// The number a name is, -1 if it is none; with a leading zero it is none.
std::int64_t NumberOf(std::string_view name) {
  if (name.size() > 1 && name[0] == '0') return -1;
  std::int64_t number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || number >= 100'000'000) return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace

RegexTemplate::RegexTemplate(std::string_view text, const Regex& regex) {
  std::string literal;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    literal += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with("$")) {
      literal += '$';
      text.remove_prefix(1);
      continue;
    }
    const auto name = TakeName(text);
    if (!name) {
      literal += '$';
      continue;
    }
    std::int64_t group = NumberOf(*name);
    if (group < 0) group = regex.GroupNamed(*name);
    if (group < 0 || group >= regex.group_count()) continue;  // always empty
    const int number = static_cast<int>(group);
    parts_.push_back({std::move(literal), number});
    literal.clear();
    groups_ = std::max(groups_, number + 1);
  }
  if (parts_.size() == 1 && parts_[0].literal.empty() && literal.empty()) {
    only_group_ = parts_[0].group;
  }
  if (parts_.empty()) constant_ = literal;
  if (!literal.empty()) parts_.push_back({std::move(literal), -1});
}

void RegexTemplate::Append(std::span<const std::string_view> groups,
                           std::string& out) const {
  for (const Part& part : parts_) {
    out += part.literal;
    if (part.group >= 0) out += groups[static_cast<std::size_t>(part.group)];
  }
}

std::string RegexTemplate::ReplaceAll(const Regex& regex,
                                      std::string_view text) const {
  std::vector<std::string_view> groups(
      static_cast<std::size_t>(std::max(groups_, 1)));
  std::string out;
  // Regexes that anchor, which is all but odd ones, match once at most.
  if (regex.engines_->simple) {
    if (!regex.Match(text, groups)) return std::string(text);
    Append(groups, out);
    return out;
  }
  std::size_t last_end = 0;
  for (std::size_t from = 0; from <= text.size();) {
    if (!regex.MatchFrom(text, from, groups)) break;
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    const std::size_t end = begin + groups[0].size();
    out += text.substr(last_end, begin - last_end);
    // No replacement of an empty match right after another match.
    if (end > last_end || begin == 0) Append(groups, out);
    last_end = end;
    std::size_t width = 1;
    if (from < text.size()) {
      utf8proc_int32_t rune = 0;
      const auto length = utf8proc_iterate(
          reinterpret_cast<const utf8proc_uint8_t*>(text.data() + from),
          static_cast<utf8proc_ssize_t>(text.size() - from), &rune);
      if (length > 0) width = static_cast<std::size_t>(length);
    }
    from = std::max(end, from + width);
  }
  out += text.substr(last_end);
  return out;
}

}  // namespace ta
