#include "allocator/effective_yaml.h"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <string>
#include <variant>

#include "allocator/config/mistake.h"
#include "allocator/config/yaml_scalar.h"
#include "allocator/config/yaml_tree.h"

namespace ta {
namespace {

// Would it be read as the text that it is without quotes? The emitter quotes
// what is no plain scalar at all; what YAML 1.1 takes for something else is
// decided where files are read.
bool MeansItself(std::string_view text) {
  if (text.empty() || text == "<<" || text == "=") return false;
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.plain = true;
  node.text = text;
  return std::holds_alternative<std::string_view>(ResolveScalar(node));
}

// What ends a line in YAML 1.1 beside newline; the emitter leaves it as it is.
bool HasLineEnd(std::string_view text) {
  return text.contains("\xC2\x85") || text.contains("\u2028") ||
         text.contains("\u2029");
}

void EmitText(YAML::Emitter& out, std::string_view text) {
  if (HasLineEnd(text)) {
    out << YAML::DoubleQuoted << YAML::EscapeNonAscii;
  } else if (!MeansItself(text)) {
    out << YAML::DoubleQuoted;
  }
  out << std::string(text);
}

void Emit(YAML::Emitter& out, const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kMap:
      out << YAML::BeginMap;
      for (const YamlEntry& entry : node.entries) {
        out << YAML::Key;
        EmitText(out, entry.key);
        out << YAML::Value;
        Emit(out, *entry.value);
      }
      out << YAML::EndMap;
      return;
    case YamlNode::Kind::kSequence:
      out << YAML::BeginSeq;
      for (const YamlNode* item : node.items) Emit(out, *item);
      out << YAML::EndSeq;
      return;
    case YamlNode::Kind::kNull:
      out << YAML::Null;
      return;
    case YamlNode::Kind::kScalar:
      // Numbers and truths as they stand: no digit is lost.
      if (node.plain) {
        out << std::string(node.text);
      } else {
        EmitText(out, node.text);
      }
      return;
  }
}

// U+0085 ends a line in YAML 1.1, and doesn't in JSON.
std::string WithoutNextLines(std::string_view json) {
  constexpr std::string_view kNextLine = "\xC2\x85";
  std::string out;
  for (;;) {
    const std::size_t at = json.find(kNextLine);
    out += json.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += "\\u0085";
    json.remove_prefix(at + kNextLine.size());
  }
}

}  // namespace

std::string EffectiveYaml(std::string_view scrape_configs_json) {
  // JSON is YAML, and our reader keeps the digits of numbers.
  Mistakes mistakes;  // none: we wrote it
  const YamlTree jobs = YamlTree::Parse(
      "scrape configs", WithoutNextLines(scrape_configs_json), mistakes);
  if (jobs.root() == nullptr || !jobs.root()->IsMap()) return {};
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "scrape_configs" << YAML::Value
      << YAML::BeginSeq;
  for (const YamlEntry& job : jobs.root()->entries) Emit(out, *job.value);
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace ta
