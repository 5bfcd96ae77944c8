#include "test/allocator/config/config_case.h"

#include <fnmatch.h>
#include <simdjson.h>

#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "allocator/config/load.h"
#include "allocator/config/schema_json.h"
#include "allocator/config/schema_reader.h"
#include "allocator/config/units.h"
#include "allocator/config/yaml_scalar.h"
#include "allocator/json_string.h"
#include "test/allocator/relabel_case.h"

namespace ta::test {
namespace {

namespace dom = simdjson::dom;
namespace fs = std::filesystem;

void AppendField(const Field& field, const Value& value, std::string& out);

template <typename Each>
void AppendAll(char open, char close, std::size_t count, std::string& out,
               const Each& each) {
  out += open;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    each(i);
  }
  out += close;
}

Field ElementOf(const Field& field, Type type) {
  Field element = field;
  element.type = type;
  return element;
}

void AppendFloat(double value, std::string& out) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  out += text;
}

// Text that no table describes, as Go would decode it into an `any`.
void AppendNode(const YamlNode& node, std::string& out) {
  if (node.IsSequence()) {
    return AppendAll('[', ']', node.items.size(), out,
                     [&](std::size_t i) { AppendNode(*node.items[i], out); });
  }
  if (node.IsMap()) {
    return AppendAll('{', '}', node.entries.size(), out, [&](std::size_t i) {
      AppendJsonString(node.entries[i].key, out);
      out += ':';
      AppendNode(*node.entries[i].value, out);
    });
  }
  const YamlScalar scalar = ResolveScalar(node);
  if (const auto* flag = std::get_if<bool>(&scalar)) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = std::get_if<std::int64_t>(&scalar)) {
    out += std::to_string(*integer);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&scalar)) {
    out += std::to_string(*natural);
  } else if (const auto* number = std::get_if<double>(&scalar)) {
    AppendFloat(*number, out);
  } else if (const auto* text = std::get_if<std::string_view>(&scalar)) {
    AppendJsonString(*text, out);
  } else {
    out += "null";
  }
}

void AppendField(const Field& field, const Value& value, std::string& out) {
  const auto list = [&](Type element) {
    AppendAll('[', ']', value.items.size(), out, [&](std::size_t i) {
      AppendField(ElementOf(field, element), value.items[i], out);
    });
  };
  const auto map = [&](Type element) {
    AppendAll('{', '}', value.items.size(), out, [&](std::size_t i) {
      AppendJsonString(value.keys[i], out);
      out += ':';
      AppendField(ElementOf(field, element), value.items[i], out);
    });
  };
  switch (field.type) {
    case Type::kOptionalBool:
      if (!value.set) {
        out += "null";
        return;
      }
      [[fallthrough]];
    case Type::kBool:
      out += value.flag ? "true" : "false";
      return;
    case Type::kInt:
      out += std::to_string(value.integer);
      return;
    case Type::kUint:
      out += std::to_string(value.natural);
      return;
    case Type::kFloat:
      return AppendFloat(value.number, out);
    case Type::kDuration:
    case Type::kGoDuration:
      return AppendJsonString(
          FormatPrometheusDuration(std::chrono::milliseconds(value.integer)),
          out);
    case Type::kBytes:
      return AppendJsonString(FormatBytes(value.integer), out);
    case Type::kStrings:
    case Type::kLabelNames:
      return list(Type::kString);
    case Type::kSecrets:
      return list(Type::kSecret);
    case Type::kLabels:
    case Type::kStringMap:
      return map(Type::kString);
    case Type::kStringsMap:
      return map(Type::kStrings);
    case Type::kSecretsMap:
      return map(Type::kSecrets);
    case Type::kRecords:
    case Type::kPlainRecords:
      return list(Type::kRecord);
    case Type::kNullableRecords:
      return list(Type::kOptionalRecord);
    case Type::kRecordMap:
      if (!value.set) {
        out += "null";
        return;
      }
      return map(Type::kRecord);
    case Type::kOptionalRecord:
      if (!value.set) {
        out += "null";
        return;
      }
      [[fallthrough]];
    case Type::kRecord:
      return AppendEffective(value, out);
    case Type::kAny:
    case Type::kAnyMap:
    case Type::kNodes:
    case Type::kForeign:
      if (value.node == nullptr || value.node->IsNull())
        out += field.type == Type::kAnyMap ? "{}" : "null";
      else
        AppendNode(*value.node, out);
      return;
    default:
      AppendJsonString(value.text, out);
  }
}

std::string Difference(const dom::element& got, const dom::element& want,
                       const std::string& path);

std::string Says(const std::string& path, const dom::element& got,
                 const dom::element& want) {
  return path + ": got " + std::string(simdjson::minify(got)) + ", expected " +
         std::string(simdjson::minify(want));
}

std::string ObjectDifference(const dom::object& got, const dom::object& want,
                             const std::string& path) {
  std::set<std::string_view> seen;
  for (const auto& [key, value] : got) {
    const std::string below = path + "." + std::string(key);
    dom::element other;
    if (want.at_key(key).get(other) != simdjson::SUCCESS)
      return below + ": expected no such key, got " +
             std::string(simdjson::minify(value));
    if (auto found = Difference(value, other, below); !found.empty())
      return found;
    seen.insert(key);
  }
  for (const auto& [key, value] : want) {
    if (seen.contains(key)) continue;
    return path + "." + std::string(key) + ": missing, expected " +
           std::string(simdjson::minify(value));
  }
  return "";
}

std::string ArrayDifference(const dom::array& got, const dom::array& want,
                            const std::string& path) {
  if (got.size() != want.size())
    return path + ": got " + std::string(simdjson::minify(got)) +
           ", expected " + std::string(simdjson::minify(want));
  for (std::size_t i = 0; i < got.size(); ++i) {
    auto found = Difference(got.at(i).value(), want.at(i).value(),
                            path + "[" + std::to_string(i) + "]");
    if (!found.empty()) return found;
  }
  return "";
}

std::string Difference(const dom::element& got, const dom::element& want,
                       const std::string& path) {
  dom::object object, other_object;
  if (got.get(object) == simdjson::SUCCESS &&
      want.get(other_object) == simdjson::SUCCESS)
    return ObjectDifference(object, other_object, path);
  dom::array array, other_array;
  if (got.get(array) == simdjson::SUCCESS &&
      want.get(other_array) == simdjson::SUCCESS)
    return ArrayDifference(array, other_array, path);
  double number = 0, other_number = 0;
  if (got.get(number) == simdjson::SUCCESS &&
      want.get(other_number) == simdjson::SUCCESS)
    return number == other_number ? "" : Says(path, got, want);
  const std::string left(simdjson::minify(got));
  const std::string right(simdjson::minify(want));
  return left == right ? "" : Says(path, got, want);
}

}  // namespace

void AppendEffective(const Value& record, std::string& out) {
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < record.items.size(); ++i) {
    const Field& field = record.record->fields[i];
    if (!first) out += ',';
    first = false;
    AppendJsonString(field.name, out);
    out += ':';
    AppendField(field, record.items[i], out);
  }
  out += '}';
}

std::string Base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group <<= 8;
      if (i + k < bytes.size())
        group |= static_cast<unsigned char>(bytes[i + k]);
    }
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

void AddTouched(const Value& record, std::set<std::string>& touched) {
  Mistakes none;
  SchemaReader reader("", none, none);
  const Value defaults = reader.Read(nullptr, *record.record, Path{});
  for (std::size_t i = 0; i < record.items.size(); ++i) {
    const Field& field = record.record->fields[i];
    const Value& value = record.items[i];
    std::string is, would_be;
    AppendField(field, value, is);
    AppendField(field, defaults.items[i], would_be);
    // A bearer_token has moved to `authorization` by now.
    const bool moved = field.name.starts_with("bearer_token") &&
                       value.node != nullptr && !value.node->text.empty();
    if (value.written && (is != would_be || moved))
      touched.insert(std::string(record.record->name) + "." +
                     std::string(field.name));
    if (field.record == nullptr) continue;
    if (value.record != nullptr && value.items.size() > 0) {
      AddTouched(value, touched);
    } else {
      for (const Value& item : value.items) {
        if (item.record != nullptr) AddTouched(item, touched);
      }
    }
  }
}

void AddFields(const Record& record, std::set<std::string>& fields) {
  for (const Field& field : record.fields) {
    const bool fresh =
        fields.insert(std::string(record.name) + "." + std::string(field.name))
            .second;
    if (fresh && field.record != nullptr) AddFields(*field.record, fields);
  }
}

ConfigCase ReadConfigCase(const std::string& folder) {
  ConfigCase out;
  out.text = ReadFile(folder + "/input.yaml");
  const fs::path files = fs::path(folder) / "files";
  if (!fs::exists(files)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(files)) {
    if (!entry.is_regular_file()) continue;
    out.files[fs::relative(entry.path(), folder).string()] =
        ReadFile(entry.path().string());
  }
  return out;
}

std::string WriteConfigRequest(const ConfigCase& input) {
  std::string out = R"({"text":")" + Base64(input.text) + R"(","files":{)";
  for (const auto& [name, text] : input.files) {
    if (out.back() != '{') out += ',';
    out += JsonString(name) + ":\"" + Base64(text) + '"';
  }
  return out + "}}\n";
}

LoadedCase LoadCase(const ConfigCase& input) {
  LoadedCase out;
  std::string global;
  std::map<std::string, std::string, std::less<>> jobs;
  LoadOptions options{.strict = true};
  options.read_files = [&](const std::string& pattern) {
    std::vector<MatchedFile> matched;
    for (const auto& [name, text] : input.files) {
      if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0)
        matched.push_back({name, text});
    }
    return Result<std::vector<MatchedFile>>(std::move(matched));
  };
  options.inspect = [&](std::string_view job, const Value& value) {
    std::string text;
    AppendEffective(value, text);
    AddTouched(value, out.touched);
    (value.record == &GlobalRecord() ? global : jobs[std::string(job)]) =
        std::move(text);
  };
  auto config = LoadConfig("prometheus.yml", input.text, options);
  if (!config) {
    out.mistakes = std::move(config.error());
    return out;
  }
  out.json = std::move(config->scrape_configs_json);
  out.effective = R"({"global":)" + global + R"(,"scrape_configs":{)";
  for (const auto& [job, text] : jobs) {
    if (out.effective.back() != '{') out.effective += ',';
    AppendJsonString(job, out.effective);
    out.effective += ":" + text;
  }
  out.effective += "}}";
  options.inspect = nullptr;
  options.environment["ALLOW_INSECURE_AUTH_SECRETS"] = "true";
  config = LoadConfig("prometheus.yml", input.text, options);
  if (config) out.shown = std::move(config->scrape_configs_json);
  return out;
}

std::string JsonDifference(std::string_view got, std::string_view want) {
  if (got == want) return "";
  dom::parser first, second;
  dom::element left, right;
  if (first.parse(simdjson::padded_string(got)).get(left) != simdjson::SUCCESS)
    return "got what is no JSON: " + std::string(got);
  if (second.parse(simdjson::padded_string(want)).get(right) !=
      simdjson::SUCCESS)
    return "expected what is no JSON: " + std::string(want);
  return Difference(left, right, "");
}

}  // namespace ta::test
