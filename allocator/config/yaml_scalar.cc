#include "allocator/config/yaml_scalar.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace ta {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

template <std::size_t N>
bool OneOf(std::string_view text, const std::array<std::string_view, N>& all) {
  for (const auto one : all) {
    if (text == one) return true;
  }
  return false;
}

std::optional<bool> AsBool(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kTrue = {
      "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  static constexpr std::array<std::string_view, 11> kFalse = {
      "n",     "N",     "no",  "No",  "NO", "false",
      "False", "FALSE", "off", "Off", "OFF"};
  if (OneOf(text, kTrue)) return true;
  if (OneOf(text, kFalse)) return false;
  return std::nullopt;
}

std::optional<double> AsNamedFloat(std::string_view text) {
  static constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN",
                                                           ".NAN"};
  static constexpr std::array<std::string_view, 6> kInf = {
      ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"};
  static constexpr std::array<std::string_view, 3> kMinusInf = {
      "-.inf", "-.Inf", "-.INF"};
  if (OneOf(text, kNan)) return std::numeric_limits<double>::quiet_NaN();
  if (OneOf(text, kInf)) return std::numeric_limits<double>::infinity();
  if (OneOf(text, kMinusInf)) return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

// Go's strconv.ParseInt and ParseUint with base 0, underscores taken out.
std::optional<YamlScalar> AsInteger(std::string_view text) {
  bool negative = false;
  bool sign = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    sign = true;
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'o' || mark == 'b' ? 2 : 1);
  }
  std::uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  constexpr auto kMax =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (negative) {
    if (magnitude > kMax + 1) return std::nullopt;
    return YamlScalar(static_cast<std::int64_t>(0 - magnitude));
  }
  if (magnitude <= kMax)
    return YamlScalar(static_cast<std::int64_t>(magnitude));
  if (sign) return std::nullopt;  // ParseUint takes no sign
  return YamlScalar(magnitude);
}

// yaml.v2's yamlStyleFloat:
// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool LooksLikeFloat(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i > begin;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return false;
  } else {
    if (!digits()) return false;
    if (i < text.size() && text[i] == '.') {
      ++i;
      digits();
    }
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

std::optional<double> AsFloat(std::string_view text) {
  if (!LooksLikeFloat(text)) return std::nullopt;
  if (text[0] == '+') text.remove_prefix(1);  // from_chars knows no plus
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error != std::errc::result_out_of_range) return value;
  // Go takes what is too small as nearly 0, and what is too large for text.
  value = std::strtod(std::string(text).c_str(), nullptr);
  if (std::isinf(value)) return std::nullopt;
  return value;
}

YamlScalar ResolvePlain(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" ||
      text == "NULL")
    return std::monostate{};
  if (const auto flag = AsBool(text)) return *flag;
  if (const auto named = AsNamedFloat(text)) return *named;
  const char first = text[0];
  if (first == '.') {
    if (const auto number = AsFloat(text)) return *number;
  } else if (first == '-' || first == '+' || (first >= '0' && first <= '9')) {
    std::string bare;
    std::string_view digits = text;
    if (text.find('_') != text.npos) {
      for (const char c : text) {
        if (c != '_') bare += c;
      }
      digits = bare;
    }
    if (const auto integer = AsInteger(digits)) return *integer;
    if (const auto number = AsFloat(digits)) return *number;
  }
  return text;
}

}  // namespace

YamlScalar ResolveScalar(const YamlNode& node) {
  if (node.IsNull()) return std::monostate{};
  if (node.plain) return ResolvePlain(node.text);
  if (!node.tag.starts_with(kTagPrefix)) return node.text;
  const auto kind = node.tag.substr(kTagPrefix.size());
  if (kind == "bool" || kind == "int" || kind == "null")
    return ResolvePlain(node.text);
  if (kind == "float") {
    const auto value = ResolvePlain(node.text);
    if (const auto* integer = std::get_if<std::int64_t>(&value))
      return static_cast<double>(*integer);
    return value;
  }
  return node.text;
}

bool FitsItsTag(const YamlNode& node) {
  if (!node.IsScalar() || !node.tag.starts_with(kTagPrefix)) return true;
  const auto kind = node.tag.substr(kTagPrefix.size());
  const auto value = ResolveScalar(node);
  if (kind == "bool") return std::holds_alternative<bool>(value);
  if (kind == "int")
    return std::holds_alternative<std::int64_t>(value) ||
           std::holds_alternative<std::uint64_t>(value);
  if (kind == "float") return std::holds_alternative<double>(value);
  if (kind == "null") return std::holds_alternative<std::monostate>(value);
  return true;
}

std::string_view KindOf(const YamlNode& node) {
  if (node.IsNull()) return "nothing";
  if (node.IsSequence()) return "a list";
  if (node.IsMap()) return "a map";
  const auto value = ResolveScalar(node);
  if (std::holds_alternative<std::monostate>(value)) return "nothing";
  if (std::holds_alternative<bool>(value)) return "true or false";
  return std::holds_alternative<std::string_view>(value) ? "text" : "a number";
}

}  // namespace ta
