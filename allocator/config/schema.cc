#include "allocator/config/schema.h"

#include <cassert>
#include <utility>

#include "allocator/config/units.h"

namespace ta {

int Record::IndexOf(std::string_view name) const {
  const auto found =
      std::lower_bound(fields.begin(), fields.end(), name,
                       [](const Field& field, std::string_view key) {
                         return field.name < key;
                       });
  if (found == fields.end() || found->name != name) return -1;
  return static_cast<int>(found - fields.begin());
}

const Value& Value::at(std::string_view name) const {
  assert(record != nullptr);
  const int index = record->IndexOf(name);
  assert(index >= 0);
  return items[static_cast<std::size_t>(index)];
}

Value& Value::at(std::string_view name) {
  return const_cast<Value&>(std::as_const(*this).at(name));
}

bool IsTextField(const Field& field) {
  switch (field.type) {
    case Type::kString:
    case Type::kSecret:
    case Type::kRegex:
    case Type::kEnum:
    case Type::kEnumAnyCase:
    case Type::kDuration:
    case Type::kGoDuration:
    case Type::kBytes:
    case Type::kUrl:
      return true;
    default:
      return false;
  }
}

bool IsScalarField(const Field& field) {
  return IsTextField(field) || field.type == Type::kBool ||
         field.type == Type::kOptionalBool || field.type == Type::kInt ||
         field.type == Type::kUint || field.type == Type::kFloat;
}

void SetFallback(const Field& field, Value& value) {
  switch (field.type) {
    case Type::kBool:
      value.flag = field.fallback == "true";
      break;
    case Type::kInt:
    case Type::kBytes:
      value.integer = 0;
      for (const char c : field.fallback)
        value.integer = value.integer * 10 + c - '0';
      break;
    case Type::kDuration:
      if (!field.fallback.empty())
        value.integer = ParsePrometheusDuration(field.fallback)->count();
      break;
    case Type::kGoDuration:
      if (!field.fallback.empty())
        value.integer = ParseGoDuration(field.fallback)->count() / 1'000'000;
      break;
    default:
      if (IsTextField(field)) value.text = field.fallback;
  }
}

bool IsZero(const Field& field, const Value& value) {
  switch (field.type) {
    case Type::kBool:
      return !value.flag;
    case Type::kInt:
    case Type::kDuration:
    case Type::kGoDuration:
    case Type::kBytes:
      return value.integer == 0;
    case Type::kUint:
      return value.natural == 0;
    case Type::kFloat:
      return value.number == 0;
    case Type::kString:
    case Type::kSecret:
    case Type::kEnum:
    case Type::kEnumAnyCase:
      return value.text.empty();
    case Type::kRegex:  // upstream compares with the default by identity
      return !value.written;
    case Type::kStrings:
    case Type::kSecrets:
    case Type::kLabelNames:
    case Type::kLabels:
    case Type::kStringMap:
    case Type::kStringsMap:
    case Type::kSecretsMap:
    case Type::kRecords:
    case Type::kPlainRecords:
    case Type::kNullableRecords:
      return value.items.empty();
    case Type::kOptionalBool:
    case Type::kUrl:
    case Type::kOptionalRecord:
    case Type::kRecordMap:
      return !value.set;
    case Type::kAny:
    case Type::kAnyMap:
    case Type::kNodes:
    case Type::kForeign:
      return value.node == nullptr ||
             (value.node->items.empty() && value.node->entries.empty() &&
              !value.node->IsScalar());
    case Type::kRecord:
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (!IsZero(value.record->fields[i], value.items[i])) return false;
      }
      return true;
  }
  return true;
}

bool IsZeroStruct(const Value& record) {
  for (std::size_t i = 0; i < record.items.size(); ++i) {
    const Field& field = record.record->fields[i];
    const Value& value = record.items[i];
    const bool zero =
        field.type == Type::kRecord
            ? IsZeroStruct(value)
            : IsZero(field, value) && (!value.set || IsScalarField(field));
    if (!zero) return false;
  }
  return true;
}

std::string Path::ToString() const {
  std::string out = parent != nullptr ? parent->ToString() : std::string();
  if (index >= 0) return out + "[" + std::to_string(index) + "]";
  if (!out.empty() && !name.empty()) out += '.';
  return out += name;
}

}  // namespace ta
