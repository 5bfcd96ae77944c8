#include "allocator/regex_syntax.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace ta {
namespace {

constexpr std::size_t kMaxTranslated = 4u << 20;
// regexp/syntax's maxHeight.
constexpr int kMaxHeight = 1000;
constexpr char32_t kMaxRune = 0x10ffff;
// Where counting leaves ends; far above what is accepted.
constexpr std::int64_t kMaxWeight = std::int64_t{1} << 40;

Error SyntaxError(std::string_view what, std::string_view where) {
  return Reject(RegexErrorText(what, where)).error();
}

// ------------------------------------------------------------ categories

using Categories = std::uint32_t;  // a set: 1 << utf8proc_category_t

constexpr Categories Bit(utf8proc_category_t category) {
  return Categories{1} << category;
}
constexpr Categories kLetterCased = Bit(UTF8PROC_CATEGORY_LU) |
                                    Bit(UTF8PROC_CATEGORY_LL) |
                                    Bit(UTF8PROC_CATEGORY_LT);
constexpr Categories kAll = (Categories{1} << 30) - 1;

// By the first letter of the short name, in utf8proc's order.
constexpr std::array<std::string_view, 30> kShortNames = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd",
    "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm",
    "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};

// unicode.CategoryAliases, with names as CanonicalName leaves them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 42>
    kAliases = {{{"Casedletter", "Lc"},
                 {"Closepunctuation", "Pe"},
                 {"Combiningmark", "M"},
                 {"Connectorpunctuation", "Pc"},
                 {"Control", "Cc"},
                 {"Currencysymbol", "Sc"},
                 {"Dashpunctuation", "Pd"},
                 {"Decimalnumber", "Nd"},
                 {"Enclosingmark", "Me"},
                 {"Finalpunctuation", "Pf"},
                 {"Format", "Cf"},
                 {"Initialpunctuation", "Pi"},
                 {"Letter", "L"},
                 {"Letternumber", "Nl"},
                 {"Lineseparator", "Zl"},
                 {"Lowercaseletter", "Ll"},
                 {"Mark", "M"},
                 {"Mathsymbol", "Sm"},
                 {"Modifierletter", "Lm"},
                 {"Modifiersymbol", "Sk"},
                 {"Nonspacingmark", "Mn"},
                 {"Number", "N"},
                 {"Openpunctuation", "Ps"},
                 {"Other", "C"},
                 {"Otherletter", "Lo"},
                 {"Othernumber", "No"},
                 {"Otherpunctuation", "Po"},
                 {"Othersymbol", "So"},
                 {"Paragraphseparator", "Zp"},
                 {"Privateuse", "Co"},
                 {"Punctuation", "P"},
                 {"Separator", "Z"},
                 {"Spaceseparator", "Zs"},
                 {"Spacingmark", "Mc"},
                 {"Surrogate", "Cs"},
                 {"Symbol", "S"},
                 {"Titlecaseletter", "Lt"},
                 {"Unassigned", "Cn"},
                 {"Uppercaseletter", "Lu"},
                 {"Cntrl", "Cc"},
                 {"Digit", "Nd"},
                 {"Punct", "P"}}};

// regexp/syntax's canonicalName.
std::string CanonicalName(std::string_view name) {
  std::string out;
  bool first = true;
  for (char c : name) {
    if (c == '_' || c == '-' || c == ' ') continue;
    if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!first && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    first = false;
    out += c;
  }
  return out;
}

// The categories that a canonical name stands for; nothing if it is none.
std::optional<Categories> CategoriesOf(std::string_view name) {
  const auto alias = std::ranges::find(
      kAliases, name, &std::pair<std::string_view, std::string_view>::first);
  if (alias != kAliases.end()) name = alias->second;
  if (name == "Lc") return kLetterCased;
  if (name == "Assigned") return kAll & ~Bit(UTF8PROC_CATEGORY_CN);
  Categories found = 0;
  for (std::size_t i = 0; i < kShortNames.size(); ++i) {
    if (kShortNames[i] == name ||
        (name.size() == 1 && kShortNames[i][0] == name[0])) {
      found |= Categories{1} << i;
    }
  }
  if (found == 0) return std::nullopt;
  return found;
}

struct Range {
  char32_t low;
  char32_t high;
};
using Ranges = std::vector<Range>;

Ranges RangesOf(Categories wanted) {
  struct Run {
    char32_t from;
    Categories category;
  };
  static const std::vector<Run>& runs = *[] {
    auto* all = new std::vector<Run>;
    for (char32_t rune = 0; rune <= kMaxRune; ++rune) {
      const auto category =
          Bit(utf8proc_category(static_cast<utf8proc_int32_t>(rune)));
      if (all->empty() || all->back().category != category) {
        all->push_back({rune, category});
      }
    }
    return all;
  }();
  Ranges ranges;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if ((runs[i].category & wanted) == 0) continue;
    const char32_t end = i + 1 < runs.size() ? runs[i + 1].from : kMaxRune + 1;
    if (!ranges.empty() && ranges.back().high + 1 == runs[i].from) {
      ranges.back().high = end - 1;
    } else {
      ranges.push_back({runs[i].from, end - 1});
    }
  }
  return ranges;
}

Ranges Complement(const Ranges& ranges) {
  Ranges out;
  char32_t next = 0;
  for (const Range& range : ranges) {
    if (range.low > next) out.push_back({next, range.low - 1});
    next = range.high + 1;
  }
  if (next <= kMaxRune) out.push_back({next, kMaxRune});
  return out;
}

// What RE2 has no name or an older table for.
std::optional<Ranges> ClassOf(std::string_view canonical) {
  if (canonical == "Ascii") return Ranges{{0, 0x7f}};
  // A script of Unicode 15. The other one, Nag Mundari, has a blank in its
  // name, and such names Go 1.26 does not find.
  if (canonical == "Kawi") {
    return Ranges{{0x11f00, 0x11f10}, {0x11f12, 0x11f3a}, {0x11f3e, 0x11f59}};
  }
  const auto categories = CategoriesOf(canonical);
  if (!categories) return std::nullopt;
  return RangesOf(*categories);
}

void AppendRune(char32_t rune, std::string& out) {
  out += "\\x{";
  bool begun = false;
  for (int shift = 20; shift >= 0; shift -= 4) {
    const auto digit = rune >> shift & 0xf;
    begun |= digit != 0 || shift == 0;
    if (begun) out += "0123456789abcdef"[digit];
  }
  out += '}';
}

// ------------------------------------------------------------ translation

bool IsCaptureName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
  });
}

class Translator {
 public:
  explicit Translator(std::string_view pattern)
      : pattern_(pattern), rest_(pattern) {}

  Result<Re2Pattern> Translate() {
    while (!rest_.empty() && !error_) {
      if (out_.size() > kMaxTranslated) {
        return std::unexpected(SyntaxError(kTooLarge, {}));
      }
      Item();
    }
    if (!error_ && tallest_ > kMaxHeight) {
      error_ = SyntaxError("expression nests too deeply", pattern_);
    }
    if (error_) return std::unexpected(*std::move(error_));
    // Unclosed groups are RE2's to refuse.
    return Re2Pattern{std::move(out_), levels_.front().weight - written_};
  }

 private:
  void Copy(std::size_t bytes) {
    bytes = std::min(bytes, rest_.size());
    out_ += rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
  }

  void Item() {
    if (rest_.starts_with("\\Q")) {
      const std::size_t end = rest_.find("\\E");
      Copy(end == std::string_view::npos ? rest_.size() : end + 2);
    } else if (rest_[0] == '\\') {
      Escape(/*in_class=*/false);
    } else if (rest_[0] == '[') {
      Class();
    } else if (rest_.starts_with("(?")) {
      Group();
      return;
    } else if (rest_[0] == '{') {
      Repeat();
      return;
    } else {
      Nest(rest_[0]);
      Copy(1);
      return;
    }
    Leaf();
  }

  // The height of the tree that Go would make, about: a group that captures, a
  // repetition, a sequence and alternatives are a level each.
  struct Level {
    bool captures = false;
    int last = 0;      // of the sequence: height of its last item,
    int sequence = 0;  // of its highest,
    int items = 0;     // and how many it has
    int all = 0;       // the highest alternative
    int branches = 0;
    // How many leaves it has when repetitions are written out, all
    // alternatives together, and how many of them its last item has.
    std::int64_t weight = 0;
    std::int64_t last_weight = 0;
  };
  void Weigh(std::int64_t weight) {
    Level& level = levels_.back();
    level.last_weight = weight;
    level.weight = std::min(level.weight + weight, kMaxWeight);
  }
  void Leaf() {
    Atom(1);
    Weigh(1);
    ++written_;
  }
  void Atom(int height) {
    Level& level = levels_.back();
    level.last = height;
    level.sequence = std::max(level.sequence, height);
    ++level.items;
    tallest_ = std::max(tallest_, height);
  }
  void Nest(char c) {
    Level& level = levels_.back();
    switch (c) {
      case '(':
        levels_.push_back({.captures = true});
        break;
      case '|':
        Branch(level);
        break;
      case ')': {
        Branch(level);
        const int height = level.all + level.captures + (level.branches > 1);
        const std::int64_t weight = level.weight;
        if (levels_.size() > 1) {
          levels_.pop_back();
          Weigh(weight);
        }
        Atom(height);
        break;
      }
      case '*':
      case '+':
      case '?':
        --level.items;
        Atom(level.last + 1);
        break;
      default:
        Leaf();
    }
  }
  // {n}, {n,} or {n,m}; another brace is a character.
  void Repeat() {
    static constexpr int kMaxRepeat = 1000;  // what both engines take
    std::size_t at = 1;
    int times = 0;
    const auto number = [&] {
      const std::size_t begin = at;
      int value = 0;
      for (; at < rest_.size() && rest_[at] >= '0' && rest_[at] <= '9'; ++at) {
        value = std::min(value * 10 + (rest_[at] - '0'), kMaxRepeat);
      }
      times = std::max(times, value);
      return at > begin;
    };
    bool repeats = number();
    if (repeats && at < rest_.size() && rest_[at] == ',') {
      ++at;
      number();
    }
    repeats = repeats && at < rest_.size() && rest_[at] == '}';
    if (repeats) {
      Level& level = levels_.back();
      --level.items;
      Atom(level.last + 1);
      const std::int64_t once = level.last_weight;
      level.weight -= once;
      Weigh(std::min(once * std::max(times, 1), kMaxWeight));
    } else {
      Leaf();
    }
    Copy(repeats ? at + 1 : 1);
  }
  static void Branch(Level& level) {
    level.all = std::max(level.all, level.sequence + (level.items > 1));
    ++level.branches;
    level.last = level.sequence = level.items = 0;
    level.last_weight = 0;
  }

  void Group() {
    const bool python = rest_.starts_with("(?P<");
    const bool perl = rest_.starts_with("(?<");
    levels_.push_back({.captures = python || perl});
    if (!python && !perl) {
      // Case folding somewhere: not worth knowing where.
      const std::string_view flags = rest_.substr(2);
      const std::size_t end = std::min(flags.find_first_of(":)"), flags.size());
      folds_ |= flags.substr(0, end).contains('i');
      // (?i) is no group.
      if (end < flags.size() && flags[end] == ')') levels_.pop_back();
      return Copy(2 + end + (end < flags.size()));
    }
    const std::size_t length = python ? 4 : 3;
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos) {
      error_ = SyntaxError("invalid named capture", rest_);
    } else if (!IsCaptureName(rest_.substr(length, end - length))) {
      error_ = SyntaxError("invalid named capture", rest_.substr(0, end + 1));
    } else {
      out_ += "(?P<";
      rest_.remove_prefix(length);
    }
  }

  void Escape(bool in_class) {
    const char what = rest_.size() > 1 ? rest_[1] : '\0';
    if (what == 'C') {
      error_ = SyntaxError("invalid escape sequence", "\\C");
    } else if (what == 'p' || what == 'P') {
      UnicodeClass(in_class);
    } else {
      Copy(2);
    }
  }

  // \pL, \PL, \p{name}, \p{^name}.
  void UnicodeClass(bool in_class) {
    std::size_t length = 3;
    std::string_view name = rest_.substr(2, 1);
    if (name == "{") {
      const std::size_t end = rest_.find('}');
      if (end == std::string_view::npos) return Copy(rest_.size());
      length = end + 1;
      name = rest_.substr(3, end - 3);
    }
    bool negated = rest_[1] == 'P';
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    const std::string canonical = CanonicalName(name);
    auto ranges = ClassOf(canonical);
    // In a class that folds case RE2 must see the negation: what folds to a
    // member is not in the complement.
    const bool for_re2 = in_class && negated && folds_ && canonical != "C" &&
                         CategoriesOf(canonical) && canonical.size() <= 2 &&
                         canonical != "Cn" && canonical != "Lc";
    if (!ranges || for_re2) {
      if (canonical.empty()) return Copy(length);
      out_ += negated ? "\\P{" : "\\p{";
      out_ += canonical;
      out_ += '}';
    } else {
      if (in_class && negated) ranges = Complement(*ranges);
      if (!in_class) out_ += negated ? "[^" : "[";
      for (const Range& range : *ranges) {
        AppendRune(range.low, out_);
        out_ += '-';
        AppendRune(range.high, out_);
      }
      if (!in_class) out_ += ']';
    }
    rest_.remove_prefix(length);
  }

  void Class() {
    // A bracket right at the beginning is a member.
    Copy(rest_.starts_with("[^") ? 2 : 1);
    for (bool first = true; !rest_.empty() && !error_; first = false) {
      if (rest_[0] == ']' && !first) return Copy(1);
      if (rest_.starts_with("[:")) {  // [:alpha:]
        const std::size_t end = rest_.find(":]", 2);
        if (end != std::string_view::npos) {
          Copy(end + 2);
          continue;
        }
      }
      if (rest_[0] == '\\') {
        const bool set =
            rest_.size() > 1 &&
            std::string_view("pPdDsSwW").find(rest_[1]) != std::string::npos;
        Escape(/*in_class=*/true);
        if (set) continue;
      } else {
        Copy(1);
      }
      // A range. Its end is no class, and RE2 says so.
      if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        Copy(1);
        Copy(rest_[0] == '\\' ? 2 : 1);
      }
    }
  }

  const std::string_view pattern_;
  std::string_view rest_;
  std::string out_;
  std::optional<Error> error_;
  bool folds_ = false;  // (?i) was seen
  std::vector<Level> levels_ = std::vector<Level>(1);
  int tallest_ = 0;
  std::int64_t written_ = 0;  // leaves
};

}  // namespace

std::string RegexErrorText(std::string_view what, std::string_view where) {
  constexpr std::size_t kShown = 100;
  std::string text = "error parsing regexp: " + std::string(what);
  if (where.empty()) return text;
  const bool cut = where.size() > kShown;
  std::size_t shown = cut ? kShown : where.size();
  // Not in the middle of a character.
  while (cut && shown > 0 && (where[shown] & 0xc0) == 0x80) --shown;
  text += ": `";
  text += where.substr(0, shown);
  return text += cut ? "…`" : "`";
}

Result<Re2Pattern> TranslateToRe2(std::string_view pattern) {
  return Translator(pattern).Translate();
}

}  // namespace ta
