#include "allocator/config/schema_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <variant>

#include "allocator/base/ascii.h"
#include "allocator/config/go_url.h"
#include "allocator/config/nearest.h"
#include "allocator/config/units.h"
#include "allocator/config/yaml_scalar.h"
#include "allocator/go_text.h"

namespace ta {
namespace {

// The same field as the element of its list or map.
Field Element(const Field& field) {
  Field element = field;
  switch (field.type) {
    case Type::kSecrets:
      element.type = Type::kSecret;
      break;
    case Type::kStringsMap:
      element.type = Type::kStrings;
      break;
    case Type::kSecretsMap:
      element.type = Type::kSecrets;
      break;
    case Type::kRecords:
    case Type::kPlainRecords:
    case Type::kNullableRecords:
    case Type::kRecordMap:
      element.type = Type::kRecord;
      break;
    default:
      element.type = Type::kString;
  }
  element.fallback = {};
  return element;
}

bool IsRecords(const Field& field) {
  return field.type == Type::kRecords || field.type == Type::kPlainRecords ||
         field.type == Type::kNullableRecords;
}

bool IsList(const Field& field) {
  return field.type == Type::kStrings || field.type == Type::kSecrets ||
         field.type == Type::kLabelNames || IsRecords(field) ||
         field.type == Type::kNodes;
}

bool HoldsSecrets(const Record& record) {
  return std::any_of(
      record.fields.begin(), record.fields.end(), [](const Field& field) {
        return field.type == Type::kSecret || field.type == Type::kSecrets ||
               field.type == Type::kSecretsMap;
      });
}

// Words of lower-case letters: every key of Prometheus without its digits.
bool LooksLikeAKey(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

// Names to values of one type; not headers, which Go decodes anew.
bool IsMap(const Field& field) {
  return field.type == Type::kLabels || field.type == Type::kStringMap ||
         field.type == Type::kStringsMap || field.type == Type::kSecretsMap;
}

std::string_view Wanted(const Field& field) {
  if (IsList(field)) return "a list";
  switch (field.type) {
    case Type::kBool:
    case Type::kOptionalBool:
      return "true or false";
    case Type::kInt:
      return "a whole number";
    case Type::kUint:
      return "a whole number from 0";
    case Type::kFloat:
      return "a number";
    case Type::kDuration:
    case Type::kGoDuration:
      return "a duration such as 30s";
    default:
      return IsTextField(field) ? "text" : "a map";
  }
}

std::string Unexpected(const Field& field, const YamlNode& node) {
  // Only a field that takes no more than a word or a number shows what it got:
  // a secret may stand where its map or list belongs.
  std::string got = field.type != Type::kSecret && IsScalarField(field)
                        ? node.Described()
                        : std::string(KindOf(node));
  if (node.IsScalar() && !node.plain && node.tag.empty() &&
      IsScalarField(field) && !IsTextField(field))
    got = "the text " + got + " (in quotes)";
  return "expected " + std::string(Wanted(field)) + ", got " + got;
}

// Since names may be UTF-8, any text that is UTF-8 will do.
bool IsLabelName(std::string_view name) {
  return !name.empty() && IsValidUtf8(name);
}

// yaml.v2 does not call a type's own reader for these, quoted or not.
bool IsQuotedNull(const YamlNode& node) {
  return !node.plain && node.tag.empty() &&
         (node.text == "null" || node.text == "~");
}

std::string ListOf(std::span<const std::string_view> values) {
  std::string out;
  for (const auto value : values) {
    if (value.empty()) continue;
    if (!out.empty()) out += ", ";
    out += value;
  }
  return out;
}

}  // namespace

void SchemaReader::Say(const YamlNode* node, const Path& path,
                       std::string message, std::string_view suggestion) {
  mistakes_.push_back({file_, node != nullptr ? node->line : 0,
                       node != nullptr ? node->column : 0, path.ToString(),
                       std::move(message), std::string(suggestion)});
}

void SchemaReader::SayAt(const Value& owner, std::string_view name,
                         const Path& path, std::string message,
                         std::string_view suggestion) {
  const Value& field = owner.at(name);
  Say(field.node != nullptr ? field.node : owner.node, Path{&path, name},
      std::move(message), suggestion);
}

void SchemaReader::Bad(Value& value, const YamlNode& node, const Path& path,
                       std::string message, std::string_view suggestion) {
  value.bad = true;
  Say(&node, path, std::move(message), suggestion);
}

void SchemaReader::SayUnknown(const YamlEntry& entry, const Record& record,
                              const Path& path) {
  // Looking for the nearest name is not for a file of unknown keys.
  constexpr std::size_t kMostSuggestions = 100;
  std::vector<std::string_view> known;
  if (unknown_.size() < kMostSuggestions) {
    for (const auto& field : record.fields) known.push_back(field.name);
  }
  const auto nearest = Nearest(entry.key, known);
  // `{password:hunter2}`, without the space, is a key and no value, and
  // `{hunter2: 1}` a slip of the hand.
  const bool may_be_secret = HoldsSecrets(record) &&
                             (entry.key.find(':') != entry.key.npos ||
                              (nearest.empty() && (entry.value->IsNull() ||
                                                   !LooksLikeAKey(entry.key))));
  if (may_be_secret) {
    unknown_.push_back({file_, entry.line, entry.column, path.ToString(),
                        "unknown key in " + std::string(record.name) +
                            " (not shown: it may hold a secret)",
                        ""});
    return;
  }
  unknown_.push_back(
      {file_, entry.line, entry.column, Path{&path, entry.key}.ToString(),
       "unknown key in " + std::string(record.name), std::string(nearest)});
}

Value SchemaReader::Read(const YamlNode* node, const Record& record,
                         const Path& path) {
  Value out;
  out.record = &record;
  out.node = node;
  out.items.resize(record.fields.size());
  const bool is_map = node != nullptr && node->IsMap();
  if (node != nullptr && !node->IsNull()) {
    out.set = true;
    if (!is_map)
      Bad(out, *node, path,
          "expected a map (" + std::string(record.name) + "), got " +
              std::string(KindOf(*node)));
  }
  std::vector<const YamlEntry*> written(record.fields.size(), nullptr);
  if (is_map) {
    for (const auto& entry : node->entries) {
      const int index = record.IndexOf(entry.key);
      if (index >= 0)
        written[static_cast<std::size_t>(index)] = &entry;
      else
        SayUnknown(entry, record, path);
    }
  }
  for (std::size_t i = 0; i < record.fields.size(); ++i) {
    const Path below{&path, record.fields[i].name};
    const YamlNode* value = nullptr;
    if (written[i] != nullptr)
      value = Overlaid(record.fields[i], *written[i], below);
    ReadField(record.fields[i], value, below, out.items[i]);
  }
  if (is_map && record.check != nullptr) record.check(out, path, *this);
  return out;
}

const YamlNode* SchemaReader::Overlaid(const Field& field,
                                       const YamlEntry& entry,
                                       const Path& path) {
  if (entry.earlier == nullptr) return entry.value;
  // Go decodes them all, from the first on, so that each must be right.
  Value unused;
  const YamlNode* before = Overlaid(field, *entry.earlier, path);
  ReadField(field, before, path, unused);
  const bool joins = field.type == Type::kRecord ||
                     field.type == Type::kOptionalRecord ||
                     field.type == Type::kAnyMap || IsMap(field);
  // These types begin anew when they are decoded.
  const bool anew = field.name == "namespaces" || field.name == "global";
  if (!joins || anew || !before->IsMap() || !entry.value->IsMap())
    return entry.value;
  YamlNode& out = overlaid_.emplace_back(*before);
  out.line = entry.value->line;
  out.column = entry.value->column;
  for (const YamlEntry& each : entry.value->entries) {
    const auto same = std::find_if(
        out.entries.begin(), out.entries.end(),
        [&](const YamlEntry& other) { return other.key == each.key; });
    if (same == out.entries.end()) {
      out.entries.push_back(each);
      continue;
    }
    overlaid_from_.push_back(*same);
    *same = each;
    same->earlier = &overlaid_from_.back();
  }
  return &out;
}

void SchemaReader::ReadField(const Field& field, const YamlNode* node,
                             const Path& path, Value& out) {
  out.node = node;
  out.written = node != nullptr;
  if (field.type == Type::kForeign || field.type == Type::kAny) return;
  if (node == nullptr || node->IsNull()) {
    if (node == nullptr) SetFallback(field, out);  // null is zero, not default
    if (field.type == Type::kRecord) {
      out = Read(nullptr, *field.record, path);
      out.node = node;
      out.written = node != nullptr;
    }
    return;
  }
  if (IsList(field)) {
    ReadList(field, *node, path, out);
  } else if (IsScalarField(field)) {
    ReadScalar(field, *node, path, out);
    if (out.bad) SetFallback(field, out);
  } else if (field.type == Type::kRecord ||
             field.type == Type::kOptionalRecord) {
    out = Read(node, *field.record, path);
    out.written = true;
  } else {
    ReadMap(field, *node, path, out);
  }
}

void SchemaReader::ReadScalar(const Field& field, const YamlNode& node,
                              const Path& path, Value& out) {
  if (!node.IsScalar()) return Bad(out, node, path, Unexpected(field, node));
  if (!FitsItsTag(node))
    return Bad(out, node, path,
               "the value does not fit its tag !!" +
                   std::string(node.tag.substr(node.tag.rfind(':') + 1)));
  if ((field.type == Type::kUrl || field.type == Type::kRegex) &&
      IsQuotedNull(node))
    return Bad(out, node, path,
               "Prometheus cannot read this as text, even in quotes: " +
                   node.Described());
  out.set = true;
  switch (field.type) {
    case Type::kBool:
    case Type::kOptionalBool: {
      const auto value = ResolveScalar(node);
      if (const auto* flag = std::get_if<bool>(&value)) {
        out.flag = *flag;
      } else if (std::holds_alternative<std::monostate>(value)) {
        out.set = false;
      } else {
        Bad(out, node, path, Unexpected(field, node));
      }
      return;
    }
    case Type::kInt:
    case Type::kUint:
    case Type::kFloat:
      return ReadNumber(field, node, path, out);
    case Type::kEnum:
    case Type::kEnumAnyCase:
      return ReadEnum(field, node, path, out);
    case Type::kDuration: {
      const auto value = ParsePrometheusDuration(node.text);
      if (!value) return Bad(out, node, path, value.error().message);
      out.integer = value->count();
      return;
    }
    case Type::kGoDuration: {
      const auto value = ParseGoDuration(node.text);
      if (!value) return Bad(out, node, path, value.error().message);
      if (value->count() != 0 && std::abs(value->count()) < 1'000'000)
        return Bad(out, node, path,
                   "expected 0 or at least 1ms, got " + Quoted(node.text));
      out.integer = value->count() / 1'000'000;
      return;
    }
    case Type::kBytes: {
      const auto value = ParseBytes(node.text);
      if (!value) return Bad(out, node, path, value.error().message);
      out.integer = *value;
      return;
    }
    case Type::kUrl: {
      const auto url = ParseGoUrl(node.text);
      if (!url) {
        out.set = false;
        return Bad(out, node, path, url.error().message);
      }
      out.text = url->Redacted();
      return;
    }
    default:
      out.text = node.text;
  }
}

void SchemaReader::ReadNumber(const Field& field, const YamlNode& node,
                              const Path& path, Value& out) {
  const auto value = ResolveScalar(node);
  const auto* integer = std::get_if<std::int64_t>(&value);
  const auto* natural = std::get_if<std::uint64_t>(&value);
  const auto* number = std::get_if<double>(&value);
  if (std::holds_alternative<std::monostate>(value)) return;
  if (field.type == Type::kFloat) {
    if (integer != nullptr) out.number = static_cast<double>(*integer);
    if (natural != nullptr) out.number = static_cast<double>(*natural);
    if (number != nullptr) out.number = *number;
    if (integer != nullptr || natural != nullptr ||
        (number != nullptr && std::isfinite(*number)))
      return;
    return Bad(out, node, path, Unexpected(field, node));
  }
  // Go cuts the fraction off a float that is written for an integer.
  if (field.type == Type::kInt) {
    if (integer != nullptr) out.integer = *integer;
    if (number != nullptr && std::abs(*number) < 9.2e18)
      out.integer = static_cast<std::int64_t>(*number);
    if (integer != nullptr || (number != nullptr && std::abs(*number) < 9.2e18))
      return;
    return Bad(out, node, path, Unexpected(field, node));
  }
  if (integer != nullptr && *integer >= 0) {
    out.natural = static_cast<std::uint64_t>(*integer);
  } else if (natural != nullptr) {
    out.natural = *natural;
  } else if (number != nullptr && *number >= 0 && *number < 1.8e19) {
    out.natural = static_cast<std::uint64_t>(*number);
  } else {
    Bad(out, node, path, Unexpected(field, node));
  }
}

void SchemaReader::ReadEnum(const Field& field, const YamlNode& node,
                            const Path& path, Value& out) {
  out.text =
      field.type == Type::kEnumAnyCase ? AsciiLower(node.text) : node.text;
  if (std::find(field.values.begin(), field.values.end(), out.text) !=
      field.values.end())
    return;
  Bad(out, node, path,
      "expected one of " + ListOf(field.values) + ", got " + Quoted(node.text),
      Nearest(node.text, field.values));
}

void SchemaReader::ReadList(const Field& field, const YamlNode& node,
                            const Path& path, Value& out) {
  if (!node.IsSequence()) return Bad(out, node, path, Unexpected(field, node));
  out.set = true;
  if (field.type == Type::kNodes) return;
  const Field element = Element(field);
  out.items.resize(node.items.size());
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const Path below{&path, {}, static_cast<int>(i)};
    const YamlNode& item = *node.items[i];
    if (field.type == Type::kRecords && item.IsNull()) {
      Bad(out, item, below,
          "empty or null section in " + std::string(path.name));
      out.items[i] = Read(nullptr, *field.record, below);
      out.items[i].bad = true;
      continue;
    }
    const std::size_t before = mistakes_.size();
    ReadField(element, &item, below, out.items[i]);
    // Upstream takes a section that leaves nothing of its defaults for one that
    // is missing (discovery.readConfigs).
    if (field.name.ends_with("_sd_configs") && mistakes_.size() == before &&
        IsZeroStruct(out.items[i]))
      Bad(out.items[i], item, below,
          "empty or null section in " + std::string(field.name));
    if (field.type == Type::kLabelNames && item.IsScalar() && item.text.empty())
      Bad(out, item, below, "\"\" is not a valid label name");
  }
}

void SchemaReader::ReadMap(const Field& field, const YamlNode& node,
                           const Path& path, Value& out) {
  if (!node.IsMap()) return Bad(out, node, path, Unexpected(field, node));
  out.set = true;
  if (field.type == Type::kAnyMap) return;
  std::vector<const YamlEntry*> entries;
  for (const auto& entry : node.entries) entries.push_back(&entry);
  std::sort(
      entries.begin(), entries.end(),
      [](const YamlEntry* a, const YamlEntry* b) { return a->key < b->key; });
  const Field element = Element(field);
  out.items.resize(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const YamlEntry& entry = *entries[i];
    const Path below{&path, entry.key};
    out.keys.push_back(entry.key);
    ReadField(element, entry.value, below, out.items[i]);
    // Go's struct takes a key twice, if once from `<<`; Go's map doesn't.
    if (entry.earlier != nullptr)
      mistakes_.push_back({file_, entry.line, entry.column, below.ToString(),
                           "is set twice, once by <<", ""});
    if (field.type == Type::kLabels && !IsLabelName(entry.key))
      Bad(out, node, below, Quoted(entry.key) + " is not a valid label name");
  }
}

}  // namespace ta
