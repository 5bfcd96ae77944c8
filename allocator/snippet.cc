#include "allocator/snippet.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "allocator/config/schema.h"

namespace ta {
namespace {

constexpr std::string_view kEllipsis = "…";

// ----------------------------------------------------------- what is plain

// Text that is no secret and no URL, which may hold one.
constexpr std::string_view kPlainTexts[] = {"files", "job_name", "metrics_path",
                                            "scheme", "target_label"};

bool IsPlain(const Field& field) {
  switch (field.type) {
    case Type::kBool:
    case Type::kOptionalBool:
    case Type::kInt:
    case Type::kUint:
    case Type::kFloat:
    case Type::kEnum:
    case Type::kEnumAnyCase:
    case Type::kDuration:
    case Type::kGoDuration:
    case Type::kBytes:
    case Type::kRegex:
    case Type::kLabelNames:
      return true;
    default:
      return std::ranges::find(kPlainTexts, field.name) !=
             std::end(kPlainTexts);
  }
}

// Field names to whether every field of that name is plain.
using Names = std::map<std::string_view, bool>;

void Collect(const Record& record, std::set<const Record*>& seen,
             Names& names) {
  if (!seen.insert(&record).second) return;
  for (const Field& field : record.fields) {
    const auto [known, added] = names.emplace(field.name, IsPlain(field));
    known->second = known->second && IsPlain(field);
    if (field.record != nullptr) Collect(*field.record, seen, names);
  }
}

const Names& KnownNames() {
  static const Names& names = *[] {
    auto* all = new Names;
    std::set<const Record*> seen;
    Collect(PrometheusRecord(), seen, *all);
    Collect(ScrapeConfigFileRecord(), seen, *all);
    Collect(GlobalRecord(), seen, *all);
    Collect(ScrapeConfigRecord(), seen, *all);
    Collect(OwnRecord(), seen, *all);
    return all;
  }();
  return names;
}

bool IsPlainName(std::string_view name) {
  const auto found = KnownNames().find(name);
  return found != KnownNames().end() && found->second;
}

// ------------------------------------------------------- a line in pieces

struct Piece {
  enum class Kind { kPunctuation, kKey, kValue, kComment };
  Kind kind = Kind::kValue;
  std::size_t begin = 0;  // in the line
  std::size_t end = 0;
};

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// YAML, as far as one line alone tells it.
class Lexer {
 public:
  explicit Lexer(std::string_view line) : line_(line) {}

  std::vector<Piece> Split() {
    while (at_ < line_.size()) Next();
    return std::move(pieces_);
  }

 private:
  bool Ends(std::size_t at) const {
    return at >= line_.size() || IsBlank(line_[at]);
  }
  void Push(Piece::Kind kind, std::size_t end) {
    pieces_.push_back({kind, at_, end});
    at_ = end;
  }

  void Next() {
    const char c = line_[at_];
    if (IsBlank(c)) return Push(Piece::Kind::kPunctuation, at_ + 1);
    if (c == '#') return Push(Piece::Kind::kComment, line_.size());
    const bool flow = std::string_view("[]{},").find(c) != std::string::npos;
    const bool marker = (c == '-' || c == '?' || c == ':') && Ends(at_ + 1);
    if (flow || marker) {
      depth_ += (c == '[' || c == '{') - (c == ']' || c == '}');
      return Push(Piece::Kind::kPunctuation, at_ + 1);
    }
    std::size_t end = c == '"' || c == '\'' ? Quoted() : Plain();
    std::size_t after = end;
    while (after < line_.size() && IsBlank(line_[after])) ++after;
    const bool key =
        after < line_.size() && line_[after] == ':' &&
        (Ends(after + 1) || (depth_ > 0 && line_[at_] == '"') ||
         std::string_view(",]}").find(line_[after + 1]) != std::string::npos);
    Push(key ? Piece::Kind::kKey : Piece::Kind::kValue, end);
    if (key) {
      at_ = after;
      Push(Piece::Kind::kPunctuation, after + 1);
    }
  }

  std::size_t Quoted() const {
    const char quote = line_[at_];
    for (std::size_t i = at_ + 1; i < line_.size(); ++i) {
      if (line_[i] == '\\' && quote == '"') {
        ++i;
      } else if (line_[i] == quote) {
        if (quote == '"' || i + 1 == line_.size() || line_[i + 1] != quote) {
          return i + 1;
        }
        ++i;
      }
    }
    return line_.size();  // goes on in the next line
  }

  std::size_t Plain() const {
    std::size_t i = at_;
    for (; i < line_.size(); ++i) {
      const char c = line_[i];
      if (c == ':' && (Ends(i + 1) || (depth_ > 0 && line_[i + 1] == ','))) {
        break;
      }
      if (c == '#' && IsBlank(line_[i - 1])) break;
      if (depth_ > 0 &&
          std::string_view("[]{},").find(c) != std::string::npos) {
        break;
      }
    }
    while (i > at_ + 1 && IsBlank(line_[i - 1])) --i;
    return i;
  }

  const std::string_view line_;
  std::size_t at_ = 0;
  int depth_ = 0;  // of [ and {
  std::vector<Piece> pieces_;
};

// "a.b[2].regex[0]" -> "regex".
std::string_view LastName(std::string_view path) {
  while (path.ends_with(']')) path = path.substr(0, path.rfind('['));
  return path.substr(path.rfind('.') + 1);
}

std::string_view Unquoted(std::string_view text) {
  if (text.size() >= 2 && (text[0] == '"' || text[0] == '\'') &&
      text.back() == text[0]) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

// What may be shown of the line, and where in it the caret begins and ends.
struct Shown {
  std::string text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

Shown Mask(std::string_view line, const Mistake& mistake) {
  const auto caret = static_cast<std::size_t>(std::max(mistake.column, 1) - 1);
  const auto quoted = [&mistake](std::string_view text) {
    return mistake.message.contains("\"" + std::string(text) + "\"");
  };
  Shown shown;
  bool placed = false;
  const std::string_view told = LastName(mistake.path);
  std::string_view key = told;
  for (const Piece& piece : Lexer(line).Split()) {
    const std::string_view text =
        line.substr(piece.begin, piece.end - piece.begin);
    bool clear = true;
    if (piece.kind == Piece::Kind::kKey) {
      key = Unquoted(text);
      // `password: hunter2: x` makes a key of a password.
      clear = KnownNames().contains(key) || key == told || quoted(key);
    } else if (piece.kind == Piece::Kind::kValue) {
      clear = IsPlainName(key) || quoted(Unquoted(text));
    } else if (piece.kind == Piece::Kind::kComment) {
      clear = false;
    }
    if (!placed && caret < piece.end) {
      placed = true;
      shown.begin = shown.text.size() + (clear ? caret - piece.begin : 0);
      if (caret < piece.begin) shown.begin = shown.text.size();
    }
    const bool at_caret = caret >= piece.begin && caret < piece.end;
    shown.text += clear ? text : kEllipsis;
    if (at_caret) shown.end = shown.text.size();
  }
  if (!placed) shown.begin = shown.text.size();
  shown.end = std::max(shown.end, shown.begin);
  return shown;
}

// ---------------------------------------------------------- on the screen

struct Cell {
  std::string text;
  int width = 1;
  bool under_caret = false;
};

std::vector<Cell> Cells(const Shown& shown) {
  constexpr int kTab = 4;
  std::vector<Cell> cells;
  int column = 0;
  const std::string_view text = shown.text;
  for (std::size_t i = 0; i < text.size();) {
    Cell cell;
    utf8proc_int32_t rune = -1;
    const auto length = utf8proc_iterate(
        reinterpret_cast<const utf8proc_uint8_t*>(text.data() + i),
        static_cast<utf8proc_ssize_t>(text.size() - i), &rune);
    const std::size_t bytes = length > 0 ? static_cast<std::size_t>(length) : 1;
    if (rune == '\t') {
      cell.width = kTab - column % kTab;
      cell.text.assign(static_cast<std::size_t>(cell.width), ' ');
    } else if (length <= 0 || rune < 0x20 || (rune >= 0x7f && rune < 0xa0)) {
      cell.text = "\ufffd";
    } else {
      // Marks that turn the text around stay out of the terminal.
      const bool format =
          utf8proc_category(rune) == UTF8PROC_CATEGORY_CF && rune != 0xad;
      cell.text = format ? "\ufffd" : std::string(text.substr(i, bytes));
      cell.width = format ? 1 : utf8proc_charwidth(rune);
    }
    cell.under_caret = i >= shown.begin && i < shown.end;
    column += cell.width;
    cells.push_back(std::move(cell));
    i += bytes;
  }
  if (shown.begin >= text.size()) {
    cells.push_back({.text = " ", .under_caret = true});
  }
  return cells;
}

// The part of the cells that fits into `columns`, the caret's first among them.
void Cut(int columns, std::vector<Cell>& cells) {
  int width = 0;
  for (const Cell& cell : cells) width += cell.width;
  if (width <= columns) return;
  const auto caret = std::ranges::find(cells, true, &Cell::under_caret);
  auto first = caret;
  int before = 0;
  while (first != cells.begin() && before < columns * 2 / 3) {
    --first;
    before += first->width;
  }
  auto last = first;
  int room = columns - 2;  // an ellipsis at both ends
  while (last != cells.end() && room >= last->width) room -= (last++)->width;
  std::vector<Cell> part;
  if (first != cells.begin()) part.push_back({.text = std::string(kEllipsis)});
  part.insert(part.end(), first, last);
  if (last != cells.end()) part.push_back({.text = std::string(kEllipsis)});
  cells = std::move(part);
}

}  // namespace

std::string Snippet(std::string_view line, const Mistake& mistake,
                    const SnippetStyle& style) {
  if (mistake.line <= 0) return "";
  const std::string number = fmt::format("{:>4}", mistake.line);
  std::vector<Cell> cells = Cells(Mask(line, mistake));
  Cut(std::max(style.columns - static_cast<int>(number.size()) - 4, 20), cells);
  std::string text;
  std::string carets;
  for (const Cell& cell : cells) {
    text += cell.text;
    const auto width = static_cast<std::size_t>(cell.width);
    if (cell.under_caret) {
      carets += std::string(width, carets.contains('^') ? '~' : '^');
    } else {
      carets.append(width, ' ');
    }
  }
  const auto strip = [](std::string& out) {
    out.erase(out.find_last_not_of(' ') + 1);
  };
  strip(text);
  strip(carets);
  const std::string margin(carets.find('^'), ' ');
  const std::string_view red = style.colour ? "\x1b[1;31m" : "";
  const std::string_view off = style.colour ? "\x1b[0m" : "";
  return fmt::format("{} | {}\n{} | {}{}{}{}\n", number, text,
                     std::string(number.size(), ' '), margin, red,
                     carets.substr(margin.size()), off);
}

std::string_view LineOf(std::string_view text, int number) {
  for (int i = 1; i < number; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace ta
