// The configuration language as data: which fields there are, what they take,
// what they are when left out, and when they are left out of /scrape_configs.
// One table serves validation, defaults and JSON; adding a field is adding a
// row: to schema_prometheus.cc, schema_http_client.h, schema_discovery*.cc or
// schema_own.cc.
//
// The types follow Go's, because a value means what Prometheus 3.14 makes of
// it: `null` is the type's zero value, even where the default is another.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/config/yaml_tree.h"

namespace ta {

class SchemaReader;
struct Path;
struct Record;
struct Value;

// What a field takes. In brackets: where its value is in Value.
enum class Type : std::uint8_t {
  kBool,            // [flag]
  kOptionalBool,    // a Go *bool: unset is not false [flag]
  kInt,             // [integer]
  kUint,            // [natural]
  kFloat,           // [number]
  kString,          // [text]
  kSecret,          // text that is never shown [text]
  kEnum,            // one of Field::values, exactly [text]
  kEnumAnyCase,     // kept in lower case [text]
  kDuration,        // Prometheus's [integer, milliseconds]
  kGoDuration,      // Go's [integer, milliseconds]
  kBytes,           // a size such as 10MB [integer]
  kUrl,             // [text: redacted], unset until written
  kRegex,           // checked with the rule it is in [text]
  kStrings,         // a list of text [items]
  kSecrets,         // [items]
  kLabelNames,      // a list of label names [items]
  kLabels,          // label names to values [keys, items]
  kStringMap,       // [keys, items]
  kStringsMap,      // names to lists of text [keys, items of items]
  kSecretsMap,      // the same, secret
  kAny,             // whatever it is: the caller's, or served as written [node]
  kAnyMap,          // a map of whatever [node]
  kRecord,          // always there [items: one a field]
  kOptionalRecord,  // unset until written
  kRecords,         // a list of records, null is a mistake [items]
  kPlainRecords,    // the same; null is a record of zero values [items]
  kNullableRecords,  // the same; null is served as null [items: unset]
  kRecordMap,        // names to records, unset until written [keys, items]
  kNodes,            // a list whose elements the caller reads itself [node]
  kForeign,          // not ours: accepted, not looked at
};

// When JSON leaves a field out.
enum class Omit : std::uint8_t {
  kZero,   // Go's `omitempty`: it is the type's zero value
  kNever,  // always there
};

// One row.
struct Field {
  std::string_view name;
  Type type = Type::kString;
  // What is there when the field is left out, as a file would say it; "" is
  // the zero value.
  std::string_view fallback = {};
  Omit omit = Omit::kZero;
  const Record* record = nullptr;                 // of the record types
  std::span<const std::string_view> values = {};  // of the enums
};

// A map with known keys.
struct Record {
  std::string_view name;          // for messages: "scrape config"
  std::span<const Field> fields;  // by name, ascending
  // Rules that concern several fields; may change the value as upstream does.
  void (*check)(Value&, const Path&, SchemaReader&) = nullptr;

  // The index of `name` in fields, or -1. O(log fields).
  int IndexOf(std::string_view name) const;
};

// The effective value of a field: what the file says, or the default.
struct Value {
  bool set = false;      // false: Go's nil
  bool written = false;  // the file has the key, if only with null
  bool bad = false;      // a mistake was reported; the value is the default
  bool flag = false;
  std::int64_t integer = 0;
  std::uint64_t natural = 0;
  double number = 0;
  std::string text;
  std::vector<Value> items;
  std::vector<std::string_view> keys;  // of maps, ascending; live in the tree
  const YamlNode* node = nullptr;      // where it was written, else null
  const Record* record = nullptr;      // of records: what items stand for

  // The field `name` of a record. REQUIRES: it is a row of *record
  const Value& at(std::string_view name) const;
  Value& at(std::string_view name);
};

// Does the field take text, whatever it means? And any scalar at all?
bool IsTextField(const Field& field);
bool IsScalarField(const Field& field);

// Makes `value`, fresh, what its row's fallback says.
void SetFallback(const Field& field, Value& value);

// The type's zero value: what Go's `omitempty` leaves out.
bool IsZero(const Field& field, const Value& value);
// Go's reflect.Value.IsZero of a record's struct: every field is zero, and no
// list or map is there, not even an empty one.
bool IsZeroStruct(const Value& record);

// Where a value is in the document, told lazily: "config.scrape_configs[2]".
// A chain of stack frames; each outlives those below it.
struct Path {
  const Path* parent = nullptr;
  std::string_view name;  // of a map's key
  int index = -1;         // of a list's element

  std::string ToString() const;
};

// Helpers with which the tables are put together at compile time.
template <std::size_t... N>
constexpr auto JoinFields(const std::array<Field, N>&... parts) {
  std::array<Field, (N + ...)> all{};
  std::size_t at = 0;
  const auto append = [&](const auto& part) {
    for (const auto& field : part) all[at++] = field;
  };
  (append(parts), ...);
  std::sort(all.begin(), all.end(),
            [](const Field& a, const Field& b) { return a.name < b.name; });
  return all;
}

// The same rows with the zero value where they have a default.
template <std::size_t N>
constexpr auto WithoutFallbacks(std::array<Field, N> fields) {
  for (auto& field : fields) field.fallback = {};
  return fields;
}

// --- The tables -------------------------------------------------------------

// Prometheus's file, or what stands under `config:`. `scrape_configs` is
// kNodes: each is read with ScrapeConfigRecord(), one at a time.
const Record& PrometheusRecord();
// A file of `scrape_config_files`.
const Record& ScrapeConfigFileRecord();
const Record& GlobalRecord();
const Record& ScrapeConfigRecord();
// The allocator's own file.
const Record& OwnRecord();

}  // namespace ta
