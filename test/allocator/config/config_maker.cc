#include "test/allocator/config/config_maker.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "allocator/config/load.h"

namespace ta::test {
namespace {

using Words = std::string_view;

constexpr Words kBools[] = {"true", "false", "yes",  "No",   "on",   "OFF",
                            "y",    "n",     "True", "TRUE", "FALSE"};
constexpr Words kInts[] = {"0",    "1",    "443",  "80",   "0x1F",
                           "010",  "1_00", "1e3",  "2.0",  "0o17",
                           "0b11", "+5",   "12.7", "1000", "65535"};
constexpr Words kFloats[] = {"0",   "1",    "1.5",  "2.",    ".5",
                             "1e3", "0x10", "-1.5", "1_0.5", "1.0e-7"};
constexpr Words kDurations[] = {"30s", "1m",    "1h30m", "1d",  "0",   "0s",
                                "5m",  "15s",   "2w",    "1y",  "90m", "1m30s",
                                "10s", "100ms", "1w2d",  "00s", "1h"};
constexpr Words kSizes[] = {"0",    "10MB",  "1GiB",     "5KB", "1.5MB", "100B",
                            "1KiB", "2.5GB", "1MB512KB", "0B",  "007MB"};
constexpr Words kUrls[] = {"http://proxy:3128",
                           "https://u:p@proxy.example.com/x?y=z",
                           "http://[::1]:80/",
                           "http://h/%41b",
                           "//h",
                           "https://host",
                           "http://user@host:8080/a b"};
constexpr Words kRegexes[] = {"(.*)",  ".+",      "a|b", "'([^:]+)(?::\\d+)?'",
                              "go_.*", "'^x$'",   "''",  "__meta_(.+)",
                              "1",     "'(?i)a'", "yes"};
constexpr Words kTexts[] = {
    "a",        "b-c",       "x.y.z",   "/path/x",     "123",
    "yes",      "010",       "1.0",     "2001-01-01",  "''",
    "\"q\\n\"", "'it''s'",   "é日本",   "\"\\u00e9\"", "word word",
    "a:1",      "'<a&b>'",   "\"\\t\"", "0x1f",        "x@y",
    "'$1'",     "\"\\xe9\"", "eu-1",    "~x",          "'null'"};
constexpr Words kNames[] = {"a", "b", "c_d", "app", "__address__", "e1", "f_g"};
constexpr Words kOddNames[] = {"é",   "a.b", "a-b",     "1a",
                               "yes", "010", "\"x y\"", "''"};
constexpr Words kFiles[] = {"a.json",   "x/y.yml", "/abs/z.yaml",
                            "d/*.json", "'*.yml'", "t.txt"};
constexpr Words kHosts[] = {"h:80", "10.0.0.1:9100", "'[::1]:80'", "host",
                            "''"};
// What may stand anywhere, and is rarely right.
constexpr Words kOdd[] = {"null",
                          "~",
                          "''",
                          "yes",
                          "12",
                          "-1",
                          "1.5",
                          "1e400",
                          ".inf",
                          "0x",
                          "'12'",
                          "'true'",
                          "!!str 5",
                          "!!int 5",
                          "!!int '7'",
                          "!!float 3",
                          "!!bool yes",
                          "!!null x",
                          "!x y",
                          "!!binary aGk=",
                          "18446744073709551615",
                          "18446744073709551616",
                          "9223372036854775808",
                          "-9223372036854775808",
                          "1_000",
                          "0b12",
                          "0o8",
                          "08",
                          "+1",
                          "- 1",
                          "1m1h",
                          "1.5h",
                          "-5m",
                          "30",
                          "5 m",
                          "1h1h",
                          "10KiB5KB",
                          "-1MB",
                          "1XB",
                          "1e3MB",
                          "9EB",
                          "http://",
                          "%zz",
                          "http://a b",
                          "'http://x:y'",
                          "ftp://h",
                          "(",
                          "'a)'",
                          "'\\C'",
                          "(?<n>x)",
                          "2001-01-01",
                          "<<",
                          "=",
                          "abc",
                          "TRUE",
                          "Replace",
                          "utf8",
                          "!!timestamp 2001-01-01",
                          "\"\\0\"",
                          "\"\\ud800\"",
                          "|\n  x\n",
                          ">-\n  y\n  z\n",
                          "'x\n  y'",
                          "\"a\\\n  b\"",
                          ".NaN",
                          "1__0",
                          "_1",
                          "0_7",
                          "-0",
                          "-0x1",
                          "1e",
                          "6e1"};

bool IsMap(const Field& field) {
  switch (field.type) {
    case Type::kLabels:
    case Type::kStringMap:
    case Type::kStringsMap:
    case Type::kSecretsMap:
    case Type::kRecordMap:
      return true;
    default:
      return false;
  }
}

bool IsRecordList(const Field& field) {
  return field.type == Type::kRecords || field.type == Type::kPlainRecords ||
         field.type == Type::kNullableRecords;
}

Field ElementOf(const Field& field) {
  Field out = field;
  switch (field.type) {
    case Type::kStringsMap:
      out.type = Type::kStrings;
      break;
    case Type::kSecretsMap:
      out.type = Type::kSecrets;
      break;
    case Type::kSecrets:
      out.type = Type::kSecret;
      break;
    case Type::kRecordMap:
      out.type = Type::kRecord;
      break;
    default:
      out.type = IsRecordList(field) ? Type::kRecord : Type::kString;
  }
  return out;
}

// May a plain or quoted scalar stand in a flow list?
bool FitsFlow(std::string_view text) {
  if (text.find('\n') != text.npos) return false;
  return text.starts_with('"') || text.starts_with('\'') ||
         text.find_first_of(",[]{}#:") == text.npos;
}

bool FitsPlain(std::string_view text) {
  return text.find(": ") == text.npos && text.find(" #") == text.npos &&
         !text.empty() && !text.ends_with(':') &&
         std::string_view("[]{},#&*!|>'\"%@`?-").find(text[0]) == text.npos;
}

}  // namespace

std::string ConfigMaker::Quoted(std::string text) {
  if (text.starts_with('"') || text.starts_with('\'') || !OneIn(6)) return text;
  if (text.find_first_of("'\\\n\"!|>") != text.npos) return text;
  return OneIn(2) ? "'" + text + "'" : "\"" + text + "\"";
}

std::string ConfigMaker::TextOf(const Field& field) {
  const std::string_view name = field.name;
  switch (field.type) {
    case Type::kBool:
    case Type::kOptionalBool:
      return Pick(kBools);
    case Type::kInt:
    case Type::kUint:
      return Pick(kInts);
    case Type::kFloat:
      return Pick(kFloats);
    case Type::kDuration:
    case Type::kGoDuration:
      return Quoted(Pick(kDurations));
    case Type::kBytes:
      return Quoted(Pick(kSizes));
    case Type::kUrl:
      return Quoted(Pick(kUrls));
    case Type::kRegex:
      return Pick(kRegexes);
    case Type::kEnum: {
      std::string value = Pick(field.values);
      return value.empty() ? "''" : Quoted(value);
    }
    case Type::kEnumAnyCase: {
      std::string value = Pick(field.values);
      if (OneIn(4)) value[0] = static_cast<char>(value[0] - 'a' + 'A');
      return value;
    }
    default:
      break;
  }
  if (name == "files") return Pick(kFiles);
  if (name == "targets") return Pick(kHosts);
  if (name == "scrape_protocols")
    return Pick(std::array<Words, 5>{
        "PrometheusProto", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0",
        "PrometheusText0.0.4", "PrometheusText1.0.0"});
  if (name.find("url") != name.npos || name.find("server") != name.npos ||
      name == "endpoint" || name == "host") {
    if (!OneIn(5)) return Quoted(Pick(kUrls));
  }
  if (field.type == Type::kString && !field.fallback.empty() && OneIn(2))
    return "'" + std::string(field.fallback) + "'";
  return Quoted(Pick(kTexts));
}

ConfigMaker::Node ConfigMaker::List(const Field& element, unsigned most) {
  Node out{.kind = Node::Kind::kList};
  for (unsigned i = Below(most + 1); i > 0; --i)
    out.items.push_back(ValueOf(element, 4));
  return out;
}

ConfigMaker::Node ConfigMaker::Map(const Field& element, unsigned most) {
  Node out{.kind = Node::Kind::kMap};
  std::set<std::string> used;
  for (unsigned i = Below(most + 1); i > 0; --i) {
    std::string key = OneIn(4) ? Pick(kOddNames) : Pick(kNames);
    if (used.insert(key).second)
      out.entries.emplace_back(std::move(key), ValueOf(element, 4));
  }
  return out;
}

ConfigMaker::Node ConfigMaker::AnyTree(int depth) {
  Node out;
  if (depth > 2 || OneIn(2)) return Scalar(Pick(kTexts));
  if (OneIn(2)) {
    out.kind = Node::Kind::kList;
    for (unsigned i = Below(3); i > 0; --i)
      out.items.push_back(AnyTree(depth + 1));
    return out;
  }
  out.kind = Node::Kind::kMap;
  for (unsigned i = Below(3); i > 0; --i)
    out.entries.emplace_back("k" + std::to_string(i), AnyTree(depth + 1));
  return out;
}

ConfigMaker::Node ConfigMaker::RecordOf(const Record& record, int depth) {
  Node out{.kind = Node::Kind::kMap};
  const auto size = static_cast<unsigned>(record.fields.size());
  // Few of many fields, now and then most of them.
  const unsigned wanted = OneIn(8)
                              ? Below(size + 1)
                              : Below(std::min(size, depth > 1 ? 4u : 7u) + 1);
  std::vector<unsigned> order(size);
  for (unsigned i = 0; i < size; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random_);
  for (unsigned i = 0; i < wanted; ++i) {
    const Field& field = record.fields[order[i]];
    out.entries.emplace_back(field.name, ValueOf(field, depth + 1));
  }
  return out;
}

ConfigMaker::Node ConfigMaker::ValueOf(const Field& field, int depth) {
  if (OneIn(60)) return Scalar("null");
  if (field.record != nullptr) {
    if (IsRecordList(field)) {
      Node out{.kind = Node::Kind::kList};
      for (unsigned i = Below(3); i > 0; --i)
        out.items.push_back(RecordOf(*field.record, depth));
      return out;
    }
    if (field.type == Type::kRecordMap) return Map(ElementOf(field), 2);
    return RecordOf(*field.record, depth);
  }
  if (field.type == Type::kAnyMap) {
    Node out = AnyTree(0);
    if (out.kind != Node::Kind::kMap) out = Node{.kind = Node::Kind::kMap};
    return out;
  }
  if (field.type == Type::kAny) return AnyTree(0);
  if (field.type == Type::kStrings || field.type == Type::kSecrets)
    return List(ElementOf(field), 3);
  if (field.type == Type::kLabelNames) {
    Node out{.kind = Node::Kind::kList};
    for (unsigned i = Below(3); i > 0; --i)
      out.items.push_back(Scalar(OneIn(5) ? Pick(kOddNames) : Pick(kNames)));
    return out;
  }
  if (IsMap(field)) return Map(ElementOf(field), 3);
  return Scalar(TextOf(field));
}

std::string ConfigMaker::File() {
  for (;;) {
    Node file{.kind = Node::Kind::kMap};
    if (OneIn(3))
      file.entries.emplace_back("global", RecordOf(GlobalRecord(), 1));
    Node jobs{.kind = Node::Kind::kList};
    for (unsigned i = OneIn(2) ? 1 : 2 + Below(2); i > 0; --i) {
      Node job = RecordOf(ScrapeConfigRecord(), 0);
      std::erase_if(job.entries, [](const auto& entry) {
        return entry.first == "job_name";
      });
      job.entries.emplace_back("job_name", Scalar("j" + std::to_string(i)));
      jobs.items.push_back(std::move(job));
    }
    file.entries.emplace_back("scrape_configs", std::move(jobs));
    // Now and then as it comes, in case our own check is too strict.
    if (!OneIn(5) && !Repair(file)) continue;
    if (OneIn(3)) Share(file);
    if (OneIn(2)) Break(file);
    return Write(file);
  }
}

bool ConfigMaker::Repair(Node& file) {
  for (int round = 0; round < 12; ++round) {
    const auto loaded =
        LoadConfig("prometheus.yml", Write(file), {.strict = true});
    if (loaded) return true;
    bool changed = false;
    for (const auto& mistake : loaded.error()) {
      const bool set =
          mistake.message.find("must") != std::string::npos ||
          mistake.message.find("needs") != std::string::npos ||
          mistake.message.find("expected one of") != std::string::npos;
      changed = Mend(file, mistake.path, set && round < 8) || changed;
    }
    if (!changed) return false;
  }
  return false;
}

bool ConfigMaker::Mend(Node& file, std::string_view path, bool set) {
  Node* node = &file;
  const Record* record = &PrometheusRecord();
  const Field* field = nullptr;
  while (!path.empty()) {
    const bool index = path[0] == '[';
    if (path[0] == '.') path.remove_prefix(1);
    const auto end = index ? path.find(']') + 1 : path.find_first_of(".[");
    const std::string part(path.substr(0, end));
    path = end >= path.size() ? Words() : path.substr(end);
    if (index) {
      if (node->kind != Node::Kind::kList) return false;
      const auto at = static_cast<std::size_t>(std::atoi(part.c_str() + 1));
      if (at >= node->items.size()) return false;
      if (path.empty() && !set) {
        node->items.erase(node->items.begin() + static_cast<long>(at));
        return true;
      }
      node = &node->items[at];
      record = field == nullptr                  ? nullptr
               : field->name == "scrape_configs" ? &ScrapeConfigRecord()
                                                 : field->record;
      if (path.empty()) {
        if (record != nullptr) *node = RecordOf(*record, 2);
        return record != nullptr;
      }
      continue;
    }
    if (node->kind != Node::Kind::kMap) return false;
    if (field != nullptr && field->type != Type::kRecords &&
        field->record != nullptr && !IsRecordList(*field))
      record = field->record;
    if (record == nullptr) return false;
    const int row = record->IndexOf(part);
    if (row < 0) return false;
    field = &record->fields[static_cast<std::size_t>(row)];
    const auto found =
        std::find_if(node->entries.begin(), node->entries.end(),
                     [&](const auto& entry) { return entry.first == part; });
    if (path.empty()) {
      const bool there = found != node->entries.end();
      if (there) node->entries.erase(found);
      if (set) node->entries.emplace_back(part, ValueOf(*field, 2));
      return there || set;
    }
    if (found == node->entries.end()) return false;
    node = &found->second;
    if (!IsRecordList(*field) && field->type != Type::kNodes)
      record = field->record;
  }
  return false;
}

void ConfigMaker::Break(Node& file) {
  std::vector<Node*> all;
  const auto collect = [&](auto& self, Node& node) -> void {
    all.push_back(&node);
    for (Node& item : node.items) self(self, item);
    for (auto& [key, value] : node.entries) self(self, value);
  };
  collect(collect, file);
  Node& node = *all[Below(static_cast<unsigned>(all.size()))];
  if (node.kind == Node::Kind::kMap && !OneIn(4)) {
    switch (Below(4)) {
      case 0:
        node.entries.emplace_back("unknown_key", Scalar("1"));
        return;
      case 1:
        if (!node.entries.empty())
          node.entries.push_back(
              node.entries[Below(static_cast<unsigned>(node.entries.size()))]);
        return;
      case 2:
        if (!node.entries.empty())
          node.entries.erase(node.entries.begin() +
                             Below(static_cast<unsigned>(node.entries.size())));
        return;
      default:
        node.entries.emplace_back(Pick(kOdd), Scalar("1"));
        return;
    }
  }
  if (node.kind == Node::Kind::kList && OneIn(2)) {
    node.items.push_back(Scalar(Pick(kOdd)));
    return;
  }
  if (OneIn(8)) {
    node = AnyTree(0);
    return;
  }
  node = Scalar(OneIn(3) ? Pick(kTexts) : Pick(kOdd));
}

void ConfigMaker::Share(Node& file) {
  auto& jobs = file.entries.back().second.items;
  if (jobs.size() < 2) return;
  Node& from = jobs[0];
  Node& to = jobs[1 + Below(static_cast<unsigned>(jobs.size()) - 1)];
  const std::string name = "a" + std::to_string(++anchors_);
  if (OneIn(2)) {  // the whole job
    from.anchor = "&" + name + " ";
    const auto at = Below(static_cast<unsigned>(to.entries.size()) + 1);
    to.entries.insert(
        to.entries.begin() + at,
        {"<<", Scalar(OneIn(3) ? "[*" + name + "]" : "*" + name)});
    return;
  }
  auto& [key, value] =
      from.entries[Below(static_cast<unsigned>(from.entries.size()))];
  if (key == "job_name") return;
  value.anchor = "&" + name + " ";
  std::erase_if(to.entries,
                [&](const auto& entry) { return entry.first == key; });
  to.entries.emplace_back(key, Scalar("*" + name));
}

std::string ConfigMaker::Write(const Node& file) {
  std::string out = OneIn(20) ? "---\n" : OneIn(20) ? "# a comment\n\n" : "";
  WriteBlock(file, 0, out);
  return out;
}

void ConfigMaker::WriteFlow(const Node& node, std::string& out) {
  out += node.anchor;
  const char* separator = "";
  switch (node.kind) {
    case Node::Kind::kScalar:
      if (FitsFlow(node.text) || node.text.starts_with("[*")) {
        out += node.text;
      } else {
        out += '"';
        for (const char c : node.text) {
          if (c == '"' || c == '\\') out += '\\';
          out += c == '\n' ? ' ' : c;
        }
        out += '"';
      }
      return;
    case Node::Kind::kList:
      out += '[';
      for (const Node& item : node.items) {
        out += separator;
        WriteFlow(item, out);
        separator = ", ";
      }
      out += ']';
      return;
    case Node::Kind::kMap:
      out += '{';
      for (const auto& [key, value] : node.entries) {
        out += separator;
        WriteFlow(Scalar(key), out);
        out += ": ";
        WriteFlow(value, out);
        separator = ", ";
      }
      out += '}';
  }
}

void ConfigMaker::WriteBlock(const Node& node, std::size_t indent,
                             std::string& out) {
  const std::string margin(indent, ' ');
  const auto below = [&](const Node& value, const std::string& lead) {
    const bool empty = value.items.empty() && value.entries.empty();
    if (value.kind == Node::Kind::kScalar || empty || OneIn(5)) {
      out += lead + " ";
      if (value.kind == Node::Kind::kScalar) {
        out += value.anchor;
        std::string text = value.text;
        if (!text.starts_with('[') && !text.starts_with('*') &&
            !text.starts_with('!') && !text.starts_with('"') &&
            !text.starts_with('\'') && text.find('\n') == text.npos &&
            !FitsPlain(text) && !text.empty())
          text = "'" + text + "'";
        // A block or a folded text goes on below, further in.
        for (const char c : text) {
          out += c;
          if (c == '\n') out += margin;
        }
      } else {
        WriteFlow(value, out);
      }
      out += OneIn(40) ? "  # why\n" : "\n";
      return;
    }
    out += lead;
    if (!value.anchor.empty()) out += " " + value.anchor;
    out += '\n';
    WriteBlock(value, indent + 2, out);
  };
  for (const Node& item : node.items) below(item, margin + "-");
  for (const auto& [key, value] : node.entries)
    below(value, margin + key + ":");
}

}  // namespace ta::test
