#include "api/pages/pretty_json.h"

#include <algorithm>
#include <utility>

namespace ta {
namespace {

// The bytes of the string at the start of `text`, both quotes included.
std::size_t StringLength(std::string_view text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"')
    end += text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size());
}

// The bytes of the value at the start of `text`.
std::size_t ValueLength(std::string_view text) {
  std::size_t depth = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at += StringLength(text.substr(at));
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) return at;
    if (c == '}' || c == ']') --depth;
    ++at;
    if (depth == 0 && (c == '}' || c == ']')) return at;
  }
  return at;
}

// A string with its quotes, as a person would write it.
std::string Readable(std::string_view quoted) {
  constexpr std::pair<std::string_view, char> kPlain[] = {
      {"\\u003c", '<'}, {"\\u003e", '>'}, {"\\u0026", '&'}};
  std::string text;
  text.reserve(quoted.size());
  while (!quoted.empty()) {
    std::size_t taken =
        quoted[0] == '\\' ? std::min<std::size_t>(2, quoted.size()) : 1;
    bool plain = false;
    for (const auto& [escape, character] : kPlain) {
      if (!quoted.starts_with(escape)) continue;
      text += character;
      taken = escape.size();
      plain = true;
    }
    if (!plain) text.append(quoted.substr(0, taken));
    quoted.remove_prefix(taken);
  }
  return text;
}

// Replaces what stands between "://" and the "@" of the same authority.
void MaskUsers(std::string& text) {
  std::size_t at = 0;
  while ((at = text.find("://", at)) != std::string::npos) {
    at += 3;
    const std::size_t end = text.find_first_of("/?#\" ", at);
    const std::size_t user = text.substr(at, end - at).rfind('@');
    if (user == std::string::npos || user == 0) continue;
    text.replace(at, user, "<secret>");
  }
}

void NewLine(std::size_t depth, std::string& out) {
  out += '\n';
  out.append(2 * depth, ' ');
}

}  // namespace

std::vector<std::string_view> ValuesOf(std::string_view json) {
  std::vector<std::string_view> values;
  std::size_t at = 1;  // after the brace
  while (at < json.size() && json[at] == '"') {
    const std::size_t key = StringLength(json.substr(at));
    const std::size_t value = at + key + 1;  // after the colon
    if (value > json.size()) break;
    const std::size_t length = ValueLength(json.substr(value));
    values.push_back(json.substr(value, length));
    at = value + length + 1;  // after the comma
  }
  return values;
}

std::string PrettyJson(std::string_view json, std::size_t limit) {
  std::string out;
  std::size_t depth = 0;
  while (!json.empty() && out.size() < limit) {
    std::size_t taken = 1;
    const char c = json[0];
    if (c == '"') {
      taken = StringLength(json);
      std::string text = Readable(json.substr(0, taken));
      MaskUsers(text);
      out += text;
    } else if (c == '{' || c == '[') {
      out += c;
      if (json.size() > 1 && (json[1] == '}' || json[1] == ']')) {
        out += json[1];
        taken = 2;
      } else {
        NewLine(++depth, out);
      }
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
      NewLine(depth, out);
      out += c;
    } else if (c == ',') {
      out += c;
      NewLine(depth, out);
    } else {
      out += c;
      if (c == ':') out += ' ';
    }
    json.remove_prefix(taken);
  }
  return out;
}

}  // namespace ta
