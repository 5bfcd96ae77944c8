#include "allocator/config/schema_json.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <random>
#include <variant>

#include "allocator/config/units.h"
#include "allocator/config/yaml_scalar.h"
#include "allocator/json_string.h"

namespace ta {
namespace {

constexpr std::string_view kSecretToken = "<secret>";  // prometheus/common

std::uint64_t Salt() {
  static const std::uint64_t salt = [] {
    std::random_device random;
    return (static_cast<std::uint64_t>(random()) << 32) ^ random();
  }();
  return salt;
}

void AppendSecret(std::string_view text, Secrets secrets, std::string& out) {
  switch (secrets) {
    case Secrets::kShown:
      return AppendJsonString(text, out);
    case Secrets::kMasked:
      return AppendJsonString(kSecretToken, out);
    case Secrets::kHashed:
      out += "\"hash:";
      out += std::to_string(
          XXH3_64bits_withSeed(text.data(), text.size(), Salt()));
      out += '"';
  }
}

// As encoding/json prints a float64, which every number of /scrape_configs has
// been on its way: shortest digits, no exponent from 1e-6 to below 1e21.
void AppendNumber(double value, std::string& out) {
  std::array<char, 32> buffer;
  const double size = std::abs(value);
  if (value == 0 || !std::isfinite(value)) {
    out += std::isfinite(value) ? "0" : "null";
    return;
  }
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    std::chars_format::scientific);
  const std::string_view text(buffer.data(), end);
  const auto e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), end,
                  exponent);
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  if (value < 0) out += '-';
  if (size < 1e-6 || size >= 1e21) {
    out += digits[0];
    if (digits.size() > 1) (out += '.') += digits.substr(1);
    out += exponent < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(exponent));
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    out += digits.substr(0, whole);
    if (digits.size() > whole) (out += '.') += digits.substr(whole);
  }
}

void AppendInteger(std::int64_t value, std::string& out) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  if (value > kExact || value < -kExact)
    return AppendNumber(static_cast<double>(value), out);
  out += std::to_string(value);
}

void AppendNatural(std::uint64_t value, std::string& out) {
  constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
  if (value > kExact) return AppendNumber(static_cast<double>(value), out);
  out += std::to_string(value);
}

// Calls `each` for 0 to `count`, with commas between and brackets around.
template <typename Each>
void AppendSequence(char open, char close, std::size_t count, std::string& out,
                    const Each& each) {
  out += open;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    each(i);
  }
  out += close;
}

void AppendScalar(const YamlNode& node, std::string& out) {
  const auto value = ResolveScalar(node);
  if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    AppendInteger(*integer, out);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    AppendNatural(*natural, out);
  } else if (const auto* number = std::get_if<double>(&value)) {
    AppendNumber(*number, out);
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    AppendJsonString(*text, out);
  } else {
    out += "null";
  }
}

void AppendNode(const YamlNode& node, std::string& out) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      out += "null";
      return;
    case YamlNode::Kind::kScalar:
      return AppendScalar(node, out);
    case YamlNode::Kind::kSequence:
      return AppendSequence(
          '[', ']', node.items.size(), out,
          [&](std::size_t i) { AppendNode(*node.items[i], out); });
    case YamlNode::Kind::kMap:
      break;
  }
  std::vector<const YamlEntry*> entries;
  for (const auto& entry : node.entries) entries.push_back(&entry);
  std::sort(
      entries.begin(), entries.end(),
      [](const YamlEntry* a, const YamlEntry* b) { return a->key < b->key; });
  AppendSequence('{', '}', entries.size(), out, [&](std::size_t i) {
    const YamlEntry& entry = *entries[i];
    AppendJsonString(entry.key, out);
    out += ':';
    AppendNode(*entry.value, out);
  });
}

void AppendField(const Field& field, const Value& value, Secrets secrets,
                 std::string& out) {
  const auto list = [&](const auto& each) {
    AppendSequence('[', ']', value.items.size(), out, each);
  };
  const auto map = [&](const auto& each) {
    AppendSequence('{', '}', value.items.size(), out, [&](std::size_t i) {
      AppendJsonString(value.keys[i], out);
      out += ':';
      each(value.items[i]);
    });
  };
  const auto text_at = [&](std::size_t i) {
    AppendJsonString(value.items[i].text, out);
  };
  const auto secret = [&](const Value& item) {
    if (item.text.empty() && secrets == Secrets::kMasked)
      out += "null";
    else
      AppendSecret(item.text, secrets, out);
  };
  const auto optional = [&](const Value& record) {
    if (record.set)
      AppendJson(record, secrets, out);
    else
      out += "null";
  };
  switch (field.type) {
    case Type::kBool:
    case Type::kOptionalBool:
      out += value.flag ? "true" : "false";
      return;
    case Type::kInt:
      return AppendInteger(value.integer, out);
    case Type::kUint:
      return AppendNatural(value.natural, out);
    case Type::kFloat:
      return AppendNumber(value.number, out);
    case Type::kSecret:
      return secret(value);
    case Type::kUrl:  // its text lacks the password
      if (secrets == Secrets::kHashed && value.node != nullptr &&
          value.node->text != value.text)
        return AppendSecret(value.node->text, secrets, out);
      [[fallthrough]];
    case Type::kString:
    case Type::kEnum:
    case Type::kEnumAnyCase:
    case Type::kRegex:
      return AppendJsonString(value.text, out);
    case Type::kDuration:
    case Type::kGoDuration:
      return AppendJsonString(
          FormatPrometheusDuration(std::chrono::milliseconds(value.integer)),
          out);
    case Type::kBytes:
      return AppendJsonString(FormatBytes(value.integer), out);
    case Type::kStrings:
    case Type::kLabelNames:
      return list(text_at);
    case Type::kSecrets:
      return list([&](std::size_t i) { secret(value.items[i]); });
    case Type::kLabels:
    case Type::kStringMap:
      return map([&](const Value& item) { AppendJsonString(item.text, out); });
    case Type::kStringsMap:
    case Type::kSecretsMap: {
      Field element = field;
      element.type =
          field.type == Type::kStringsMap ? Type::kStrings : Type::kSecrets;
      return map(
          [&](const Value& item) { AppendField(element, item, secrets, out); });
    }
    case Type::kRecord:
      return AppendJson(value, secrets, out);
    case Type::kOptionalRecord:
      return optional(value);
    case Type::kRecords:
    case Type::kPlainRecords:
      return list(
          [&](std::size_t i) { AppendJson(value.items[i], secrets, out); });
    case Type::kNullableRecords:
      return list([&](std::size_t i) { optional(value.items[i]); });
    case Type::kRecordMap:
      return map([&](const Value& item) { AppendJson(item, secrets, out); });
    case Type::kAny:
    case Type::kAnyMap:
    case Type::kNodes:
    case Type::kForeign:
      if (value.node != nullptr)
        AppendNode(*value.node, out);
      else
        out += "null";
  }
}

}  // namespace

void AppendJson(const Value& value, Secrets secrets, std::string& out) {
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const Field& field = value.record->fields[i];
    if (field.omit == Omit::kZero && IsZero(field, value.items[i])) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonString(field.name, out);
    out += ':';
    AppendField(field, value.items[i], secrets, out);
  }
  out += '}';
}

void AppendHashed(std::string_view secret, std::string& out) {
  AppendSecret(secret, Secrets::kHashed, out);
}

}  // namespace ta
