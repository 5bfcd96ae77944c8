// What a relabel rule may say: relabel.Config.Validate of Prometheus v0.314.0,
// check by check in its order.

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "allocator/go_text.h"
#include "allocator/regex.h"
#include "allocator/relabel.h"

namespace ta {

namespace {

using Action = RelabelConfig::Action;

std::string_view NameOf(Action action) {
  constexpr std::array<std::string_view, 11> kNames = {
      "replace",  "keep",      "drop",      "keepequal", "dropequal", "hashmod",
      "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"};
  return kNames[static_cast<std::size_t>(action)];
}

// What a label name with $variables may look like under legacy validation.
bool IsLegacyTemplate(std::string_view text) {
  static const auto& pattern = *new std::shared_ptr<const Regex>(
      *Regex::Compile("(?:(?:[a-zA-Z_]|\\$(?:\\{\\w+\\}|\\w+))+\\w*)+"));
  return pattern->Matches(text);
}

bool IsValidTemplate(std::string_view text, bool legacy) {
  return legacy ? IsLegacyTemplate(text) : IsValidLabelName(text, legacy);
}

}  // namespace

Result<void> ValidateRelabelConfig(const RelabelConfig& config) {
  const RelabelConfig defaults;
  const Action action = config.action;
  const std::string name(NameOf(action));
  const bool legacy = config.legacy_names;
  const auto one_of = [action](std::initializer_list<Action> actions) {
    return std::ranges::find(actions, action) != actions.end();
  };
  const auto bad = [&name](std::string_view text, std::string_view field) {
    return Reject(GoQuote(text) + " is invalid '" + std::string(field) +
                  "' for " + name + " action");
  };

  for (const std::string& source : config.source_labels) {
    if (!IsValidLabelName(source, false)) {
      return Reject(GoQuote(source) + " is not a valid label name");
    }
  }
  if (action == Action::kHashMod && config.modulus == 0) {
    return Reject(
        "relabel configuration for hashmod requires non-zero modulus");
  }
  const bool maps_case = one_of({Action::kLowercase, Action::kUppercase});
  const bool equals = one_of({Action::kKeepEqual, Action::kDropEqual});
  const bool writes = one_of({Action::kReplace, Action::kHashMod});
  if ((writes || maps_case || equals) && config.target_label.empty()) {
    return Reject("relabel configuration for " + name +
                  " action requires 'target_label' value");
  }
  if (action == Action::kReplace) {
    const bool variable = config.target_label.contains('$');
    if (variable ? !IsValidTemplate(config.target_label, legacy)
                 : !IsValidLabelName(config.target_label, legacy)) {
      return bad(config.target_label, "target_label");
    }
  }
  if (maps_case || equals) {
    if (!IsValidLabelName(config.target_label, legacy)) {
      return bad(config.target_label, "target_label");
    }
    if (config.replacement != defaults.replacement) {
      return Reject("'replacement' can not be set for " + name + " action");
    }
  }
  if (action == Action::kLabelMap &&
      !IsValidTemplate(config.replacement, legacy)) {
    return bad(config.replacement, "replacement");
  }
  if (action == Action::kHashMod &&
      !IsValidLabelName(config.target_label, legacy)) {
    return bad(config.target_label, "target_label");
  }
  const bool plain = config.modulus == defaults.modulus &&
                     config.separator == defaults.separator &&
                     config.replacement == defaults.replacement;
  if (equals && (config.regex != defaults.regex || !plain)) {
    return Reject(name +
                  " action requires only 'source_labels' and `target_label`, "
                  "and no other fields");
  }
  if (one_of({Action::kLabelDrop, Action::kLabelKeep}) &&
      (!config.source_labels.empty() || !config.target_label.empty() ||
       !plain)) {
    return Reject(name + " action requires only 'regex', and no other fields");
  }
  if (auto regex = Regex::Compile(config.regex); !regex) {
    return std::unexpected(std::move(regex).error());
  }
  return {};
}

}  // namespace ta
