#include "allocator/config/kubernetes_selector.h"

#include <charconv>
#include <cstdint>
#include <string>
#include <vector>

#include "allocator/config/mistake.h"

namespace ta {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

// A label value, and the part of a key after its prefix: at most 63 of
// [-_.A-Za-z0-9], letters or digits at both ends.
bool IsLabelName(std::string_view text) {
  if (text.size() > 63) return false;
  for (const char c : text) {
    if (!IsAlnum(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return text.empty() || (IsAlnum(text.front()) && IsAlnum(text.back()));
}

// A DNS-1123 subdomain.
bool IsSubdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  char before = '.';
  for (const char c : text) {
    const bool alnum = IsAlnum(c) && !(c >= 'A' && c <= 'Z');
    if (!alnum && c != '-' && c != '.') return false;
    if ((before == '.' && !alnum) || (before == '-' && c == '.')) return false;
    before = c;
  }
  return before != '.' && before != '-';
}

// labels.Lexer: identifiers end at blanks and special characters.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // The next token, "" at the end. Views of the selector.
  std::string_view Take() {
    const auto token = Peek();
    at_ += token.size();
    return token;
  }
  std::string_view Peek() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    if (at_ == text_.size()) return {};
    std::size_t end = at_;
    if (text_[at_] == '(' || text_[at_] == ')' || text_[at_] == ',') {
      ++end;
    } else if (IsOperator(text_[at_])) {
      // The longest of = == ! != > < that fits.
      ++end;
      const auto two = text_.substr(at_, 2);
      if (two == "==" || two == "!=") ++end;
    } else {
      while (end < text_.size() && !IsBlank(text_[end]) &&
             !IsOperator(text_[end]) &&
             std::string_view("(),").find(text_[end]) == std::string_view::npos)
        ++end;
    }
    return text_.substr(at_, end - at_);
  }

 private:
  static bool IsBlank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
  }
  static bool IsOperator(char c) {
    return c == '=' || c == '!' || c == '>' || c == '<';
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

bool IsIdentifier(std::string_view token) {
  return !token.empty() &&
         std::string_view("=!><(),").find(token[0]) == std::string_view::npos;
}

std::unexpected<Error> Found(std::string_view token, std::string_view wanted) {
  return Reject("bad label selector: expected " + std::string(wanted) +
                ", found " +
                (token.empty() ? std::string("its end") : Quoted(token)));
}

Result<void> CheckValue(std::string_view value) {
  if (IsLabelName(value)) return {};
  return Reject("bad label selector: invalid value " + Quoted(value));
}

// `(a,,b)`
Result<void> TakeSet(Lexer& lexer) {
  if (const auto open = lexer.Take(); open != "(") return Found(open, "'('");
  bool after_value = false;
  while (true) {
    const auto token = lexer.Take();
    if (token == ")") return {};
    if (token == ",") {
      after_value = false;
      continue;
    }
    if (!IsIdentifier(token) || after_value) return Found(token, "',' or ')'");
    if (auto ok = CheckValue(token); !ok) return ok;
    after_value = true;
  }
}

Result<void> TakeRequirement(Lexer& lexer) {
  auto token = lexer.Take();
  const bool negated = token == "!";
  if (negated) token = lexer.Take();
  if (!IsIdentifier(token)) return Found(token, "a label name");
  if (!IsLabelKey(token))
    return Reject("bad label selector: invalid label name " + Quoted(token));
  const auto next = lexer.Peek();
  if (negated || next.empty() || next == ",") return {};
  const auto op = lexer.Take();
  if (op == "in" || op == "notin") return TakeSet(lexer);
  if (op != "=" && op != "==" && op != "!=" && op != ">" && op != "<")
    return Found(op, "an operator");
  const auto after = lexer.Peek();
  std::string_view value;
  if (!after.empty() && after != ",") {
    value = lexer.Take();
    if (!IsIdentifier(value)) return Found(value, "a value");
  }
  if (op == ">" || op == "<") {
    std::int64_t number = 0;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size())
      return Found(value, "a whole number");
  }
  return CheckValue(value);
}

}  // namespace

bool IsLabelKey(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == key.npos) return !key.empty() && IsLabelName(key);
  const auto name = key.substr(slash + 1);
  return IsSubdomain(key.substr(0, slash)) && !name.empty() &&
         IsLabelName(name);
}

bool IsLabelValue(std::string_view value) { return IsLabelName(value); }

Result<void> CheckLabelSelector(std::string_view selector) {
  Lexer lexer(selector);
  if (lexer.Peek().empty()) return {};
  while (true) {
    if (auto ok = TakeRequirement(lexer); !ok) return ok;
    const auto token = lexer.Take();
    if (token.empty()) return {};
    if (token != ",") return Found(token, "','");
  }
}

Result<void> CheckFieldSelector(std::string_view selector) {
  std::vector<std::string_view> terms;
  std::size_t begin = 0;
  bool escaped = false;
  for (std::size_t i = 0; i < selector.size(); ++i) {
    if (escaped) {
      escaped = false;
    } else if (selector[i] == '\\') {
      escaped = true;
    } else if (selector[i] == ',') {
      terms.push_back(selector.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  terms.push_back(selector.substr(begin));
  for (const auto term : terms) {
    if (term.empty()) continue;
    auto at = term.find('=');
    if (at == term.npos)
      return Reject("bad field selector: expected name=value, got " +
                    Quoted(term));
    ++at;
    const bool after_not = at >= 2 && term[at - 2] == '!';
    if (!after_not && at < term.size() && term[at] == '=') ++at;
    const auto value = term.substr(at);
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '=' || value[i] == ',')
        return Reject("bad field selector: " + Quoted(value.substr(i, 1)) +
                      " in a value needs a backslash");
      if (value[i] != '\\') continue;
      ++i;
      if (i == value.size() ||
          (value[i] != '\\' && value[i] != ',' && value[i] != '='))
        return Reject(
            "bad field selector: a backslash may only stand before "
            "a backslash, a comma or =");
    }
  }
  return {};
}

}  // namespace ta
