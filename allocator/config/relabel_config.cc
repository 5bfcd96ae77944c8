#include "allocator/config/relabel_config.h"

#include <array>
#include <cassert>
#include <string>
#include <utility>

#include "allocator/go_text.h"
#include "allocator/regex.h"

namespace ta {
namespace {

using Action = RelabelConfig::Action;

constexpr std::array<std::pair<std::string_view, Action>, 11> kActions = {
    {{"replace", Action::kReplace},
     {"keep", Action::kKeep},
     {"drop", Action::kDrop},
     {"keepequal", Action::kKeepEqual},
     {"dropequal", Action::kDropEqual},
     {"hashmod", Action::kHashMod},
     {"labelmap", Action::kLabelMap},
     {"labeldrop", Action::kLabelDrop},
     {"labelkeep", Action::kLabelKeep},
     {"lowercase", Action::kLowercase},
     {"uppercase", Action::kUppercase}}};

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (c >= '0' && c <= '9');
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Upstream's relabelTargetLegacy, an old label name with variables in it:
// ^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$
// That is: word characters and variables, not beginning with a digit.
bool IsLegacyTemplate(std::string_view text) {
  if (text.empty() || IsDigit(text[0])) return false;
  for (std::size_t i = 0; i < text.size();) {
    if (IsWord(text[i])) {
      ++i;
      continue;
    }
    if (text[i] != '$') return false;
    ++i;
    const bool braces = i < text.size() && text[i] == '{';
    if (braces) ++i;
    const std::size_t begin = i;
    while (i < text.size() && IsWord(text[i])) ++i;
    if (i == begin) return false;
    if (braces && (i == text.size() || text[i++] != '}')) return false;
  }
  return true;
}

// The field of a rule that a label name stands in.
void CheckName(const Value& rule, std::string_view field, bool legacy,
               bool may_have_variables, const Path& path,
               SchemaReader& reader) {
  const std::string& name = rule.at(field).text;
  bool good = !name.empty() && IsValidUtf8(name);
  if (good && legacy)
    good =
        may_have_variables ? IsLegacyTemplate(name) : IsLegacyLabelName(name);
  if (!good)
    reader.SayAt(rule, field, path,
                 Quoted(name) + " is not a valid label name for action " +
                     rule.at("action").text);
}

// Fields that make no sense for an action, and must be as if left out.
void Refuse(const Value& rule, std::string_view field, bool there,
            const Path& path, SchemaReader& reader) {
  if (there)
    reader.SayAt(rule, field, path,
                 "cannot be set for action " + rule.at("action").text);
}

void CheckRule(const Value& rule, bool legacy, const Path& path,
               SchemaReader& reader) {
  if (rule.at("action").bad) return;
  const std::string& action = rule.at("action").text;
  const auto is = [&](auto... names) { return ((action == names) || ...); };
  if (action.empty())
    return reader.SayAt(rule, "action", path, "cannot be empty");

  const Value& regex = rule.at("regex");
  if (!regex.bad && regex.written) {
    if (const auto compiled = Regex::Compile(regex.text); !compiled)
      reader.SayAt(rule, "regex", path, compiled.error().message);
  }
  if (is("hashmod") && rule.at("modulus").natural == 0 &&
      !rule.at("modulus").bad)
    reader.SayAt(rule, "modulus", path, "must be set for action hashmod");
  const Value& target = rule.at("target_label");
  if (is("replace", "hashmod", "lowercase", "uppercase", "keepequal",
         "dropequal") &&
      !target.bad) {
    if (target.text.empty())
      reader.SayAt(rule, "target_label", path,
                   "must be set for action " + action);
    else
      CheckName(rule, "target_label", legacy,
                is("replace") && target.text.find('$') != std::string::npos,
                path, reader);
  }
  const bool separator = rule.at("separator").text != ";";
  const bool replacement = rule.at("replacement").text != "$1";
  const bool modulus = rule.at("modulus").natural != 0;
  if (is("labelmap"))
    CheckName(rule, "replacement", legacy, true, path, reader);
  if (is("lowercase", "uppercase"))
    Refuse(rule, "replacement", replacement, path, reader);
  if (is("keepequal", "dropequal")) {
    Refuse(rule, "regex", regex.written, path, reader);
    Refuse(rule, "modulus", modulus, path, reader);
    Refuse(rule, "separator", separator, path, reader);
    Refuse(rule, "replacement", replacement, path, reader);
  }
  if (is("labeldrop", "labelkeep")) {
    Refuse(rule, "source_labels", rule.at("source_labels").set, path, reader);
    Refuse(rule, "target_label", !target.text.empty(), path, reader);
    Refuse(rule, "modulus", modulus, path, reader);
    Refuse(rule, "separator", separator, path, reader);
    Refuse(rule, "replacement", replacement, path, reader);
  }
}

}  // namespace

bool IsLegacyLabelName(std::string_view name) {
  if (name.empty() || IsDigit(name[0])) return false;
  for (const char c : name) {
    if (!IsWord(c)) return false;
  }
  return true;
}

bool CheckRelabelConfigs(const Value& scrape_config, std::string_view name,
                         bool legacy, const Path& path, SchemaReader& reader) {
  const std::size_t before = reader.mistakes();
  const Value& rules = scrape_config.at(name);
  const Path list{&path, name};
  bool good = !rules.bad;
  for (std::size_t i = 0; i < rules.items.size(); ++i) {
    const Value& rule = rules.items[i];
    if (rule.bad) {
      good = false;
      continue;
    }
    for (const Value& field : rule.items) good = good && !field.bad;
    CheckRule(rule, legacy, Path{&list, {}, static_cast<int>(i)}, reader);
  }
  return good && reader.mistakes() == before;
}

std::vector<RelabelConfig> RelabelConfigsOf(const Value& rules, bool legacy) {
  std::vector<RelabelConfig> out;
  out.reserve(rules.items.size());
  for (const Value& rule : rules.items) {
    RelabelConfig& config = out.emplace_back();
    for (const auto& [name, action] : kActions) {
      if (name == rule.at("action").text) config.action = action;
    }
    for (const Value& label : rule.at("source_labels").items)
      config.source_labels.push_back(label.text);
    config.separator = rule.at("separator").text;
    config.regex = rule.at("regex").text;
    config.modulus = rule.at("modulus").natural;
    config.target_label = rule.at("target_label").text;
    config.replacement = rule.at("replacement").text;
    config.legacy_names = legacy;
  }
  return out;
}

}  // namespace ta
