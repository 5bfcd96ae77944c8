#include "allocator/relabel_rules.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "allocator/go_text.h"
#include "allocator/label_pool.h"
#include "allocator/name_memo.h"
#include "allocator/regex.h"
#include "allocator/relabel.h"

namespace ta {
namespace {

using Action = RelabelConfig::Action;
using NameId = label_pool::NameId;

// The Prometheus Operator shards by a rule that keeps a target if
// `$(SHARD);|.+;.+` matches "<hash>;<__tmp_disable_sharding>", where somebody
// replaces $(SHARD). Here nobody does, and sharding is our task, so to a rule
// that reads this label it has a value. No other rule sees it, and it never
// becomes one of the target's labels.
constexpr std::string_view kDisableSharding = "__tmp_disable_sharding";
constexpr std::string_view kShardingDisabled = "true";

// Null where this OpenSSL has no MD5, as one that is limited to FIPS. Fetched
// once for the process.
const EVP_MD* Md5() {
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", "-fips");
  return md5;
}

// The last 8 bytes of the md5, as a big-endian number. REQUIRES: Md5()
std::uint64_t LowHalfOfMd5(std::string_view bytes) {
  struct Digester {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~Digester() { EVP_MD_CTX_free(context); }
  };
  thread_local const Digester digester;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_DigestInit_ex2(digester.context, Md5(), nullptr);
  EVP_DigestUpdate(digester.context, bytes.data(), bytes.size());
  EVP_DigestFinal_ex(digester.context, digest.data(), nullptr);
  std::uint64_t number = 0;
  for (std::size_t i = 8; i < 16; ++i) number = number << 8 | digest[i];
  return number;
}

// Room for a match's groups, on the stack unless there are very many.
class Groups {
 public:
  explicit Groups(int count) {
    if (count <= static_cast<int>(on_stack_.size())) {
      span_ = {on_stack_.data(), static_cast<std::size_t>(count)};
    } else {
      on_heap_.resize(static_cast<std::size_t>(count));
      span_ = on_heap_;
    }
  }
  std::span<std::string_view> span() { return span_; }

 private:
  std::array<std::string_view, 8> on_stack_;
  std::vector<std::string_view> on_heap_;
  std::span<std::string_view> span_;
};

}  // namespace

struct RelabelRules::Rule {
  struct Source {
    LabelName name;
    bool sharding;  // kDisableSharding
  };

  explicit Rule(const RelabelConfig& config,
                std::shared_ptr<const Regex> compiled, bool remembers)
      : action(config.action),
        separator(config.separator),
        regex(std::move(compiled)),
        target(config.target_label, *regex),
        replacement(config.replacement, *regex),
        modulus(config.modulus),
        legacy_names(config.legacy_names) {
    for (const std::string& name : config.source_labels) {
      sources.push_back({LabelName(name), name == kDisableSharding});
    }
    if (action != Action::kReplace) {
      target_name.emplace(config.target_label);
    } else if (target.is_constant()) {
      target_name.emplace(target.constant());
      target_valid = IsValidLabelName(target.constant(), legacy_names);
    }
    groups = std::max(replacement.groups_needed(), target.groups_needed());
    if (remembers &&
        (action == Action::kLabelMap || action == Action::kLabelDrop ||
         action == Action::kLabelKeep)) {
      memo = std::make_unique<NameMemo>();
    }
  }

  std::string_view ValueOf(const Source& source,
                           const LabelBuilder& labels) const {
    const std::string_view value = labels.Get(source.name.id());
    return value.empty() && source.sharding ? kShardingDisabled : value;
  }

  // The joined values; of several, in the builder's scratch.
  std::string_view Join(LabelBuilder& labels) const {
    if (sources.empty()) return {};
    if (sources.size() == 1) return ValueOf(sources[0], labels);
    std::string& joined = labels.scratch();
    joined = ValueOf(sources[0], labels);
    for (std::size_t i = 1; i < sources.size(); ++i) {
      joined += separator;
      joined += ValueOf(sources[i], labels);
    }
    return joined;
  }

  // Whether the regex matched.
  bool Replace(std::string_view value, LabelBuilder& labels) const;
  bool LabelMap(LabelBuilder& labels) const;
  // Deletes the labels whose names match, or don't; whether any did match.
  bool DeleteNames(bool matching, LabelBuilder& labels) const;
  std::optional<NameId> Map(NameId name, LabelBuilder& labels) const;
  bool NameMatches(NameId name) const;
  // Does what the rule does depend on the value of the label `name`?
  bool Reads(NameId name) const {
    if (std::ranges::any_of(sources, [name](const Source& source) {
          return source.name.id() == name;
        })) {
      return true;
    }
    switch (action) {
      case Action::kKeepEqual:
      case Action::kDropEqual:
        return target_name->id() == name;
      case Action::kLabelMap:
        return regex->Matches(label_pool::NameText(name));
      default:
        return false;
    }
  }

  Action action;
  std::vector<Source> sources;
  std::string separator;
  std::shared_ptr<const Regex> regex;
  RegexTemplate target;
  RegexTemplate replacement;
  std::optional<LabelName> target_name;  // none: depends on the match
  bool target_valid = true;
  int groups = 0;  // that the templates read
  std::uint64_t modulus;
  bool legacy_names;
  // By name: for labelmap the name it maps to + 1, or 0; else whether it
  // matches.
  // Null for actions that don't look at names, and without this shortcut.
  std::unique_ptr<NameMemo> memo;
};

bool RelabelRules::Rule::Replace(std::string_view value,
                                 LabelBuilder& labels) const {
  // Joined values stand in the scratch, which the expansion needs.
  if (sources.size() > 1 && groups > 0) value = labels.Keep(value);
  Groups matched(groups);
  if (!(regex->matches_all() && groups == 0) &&
      !regex->Match(value, matched.span())) {
    return false;
  }
  NameId name;
  if (target_name) {
    if (!target_valid) return true;
    name = target_name->id();
  } else {
    std::string& text = labels.scratch();
    target.Append(matched.span(), text);
    if (!IsValidLabelName(text, legacy_names)) return true;
    name = labels.Name(text);
  }
  if (replacement.is_constant()) {
    labels.Set(name, replacement.constant());
  } else if (replacement.only_group() >= 0) {
    labels.Set(
        name,
        matched.span()[static_cast<std::size_t>(replacement.only_group())]);
  } else {
    std::string& text = labels.scratch();
    replacement.Append(matched.span(), text);
    labels.Set(name, labels.Keep(text));
  }
  return true;
}

std::optional<NameId> RelabelRules::Rule::Map(NameId name,
                                              LabelBuilder& labels) const {
  if (memo != nullptr) {
    if (const auto known = memo->Find(name)) {
      if (*known == 0) return std::nullopt;
      return *known - 1;
    }
  }
  const std::string_view text = label_pool::NameText(name);
  if (!regex->Matches(text)) {
    if (memo != nullptr) memo->Insert(name, 0);
    return std::nullopt;
  }
  const LabelName mapped(replacement.ReplaceAll(*regex, text));
  if (memo != nullptr && memo->Insert(name, mapped.id() + 1, &mapped))
    return mapped.id();
  return labels.Name(mapped.text());
}

bool RelabelRules::Rule::LabelMap(LabelBuilder& labels) const {
  // What is written while mapping must not be read by it.
  std::vector<LabelBuilder::Entry>& mapped = labels.pending();
  for (const auto& [name, value] : labels.entries()) {
    if (value.empty()) continue;
    if (const auto to = Map(name, labels)) mapped.push_back({*to, value});
  }
  for (const auto& [name, value] : mapped) labels.Set(name, value);
  return !mapped.empty();
}

bool RelabelRules::Rule::NameMatches(NameId name) const {
  if (memo == nullptr) return regex->Matches(label_pool::NameText(name));
  if (const auto known = memo->Find(name)) return *known != 0;
  const bool matches = regex->Matches(label_pool::NameText(name));
  memo->Insert(name, matches ? 1 : 0);
  return matches;
}

bool RelabelRules::Rule::DeleteNames(bool matching,
                                     LabelBuilder& labels) const {
  bool any = false;
  for (const auto& [name, value] : labels.entries()) {
    if (value.empty()) continue;
    const bool matches = NameMatches(name);
    any |= matches;
    if (matches == matching) labels.Delete(name);
  }
  return any;
}

RelabelRules::RelabelRules() = default;
RelabelRules::RelabelRules(RelabelRules&&) noexcept = default;
RelabelRules& RelabelRules::operator=(RelabelRules&&) noexcept = default;
RelabelRules::~RelabelRules() = default;

Result<RelabelRules> RelabelRules::Compile(
    std::span<const RelabelConfig> configs, RelabelShortcuts shortcuts) {
  const auto engine =
      shortcuts.simple_regexes ? Regex::Engine::kBest : Regex::Engine::kRe2Only;
  RelabelRules rules;
  std::string mistakes;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    auto valid = ValidateRelabelConfig(configs[i]);
    if (valid && configs[i].action == Action::kHashMod && Md5() == nullptr) {
      valid = Reject(
          "action hashmod needs MD5, which this machine's OpenSSL does not "
          "provide (is it limited to FIPS?)");
    }
    auto regex = Regex::Compile(configs[i].regex, engine);
    if (valid && regex) {
      rules.rules_.push_back(std::make_unique<const Rule>(
          configs[i], *std::move(regex), shortcuts.name_memo));
      continue;
    }
    if (!mistakes.empty()) mistakes += '\n';
    mistakes += "relabel_configs[" + std::to_string(i) +
                "]: " + (valid ? regex.error() : valid.error()).message;
  }
  if (!mistakes.empty()) return Reject(std::move(mistakes));
  if (!rules.rules_.empty()) rules.reads_ = std::make_unique<NameMemo>();
  return rules;
}

bool RelabelRules::Reads(NameId name) const {
  if (reads_ == nullptr) return false;
  if (const auto known = reads_->Find(name)) return *known != 0;
  const bool reads = std::ranges::any_of(
      rules_, [name](const auto& rule) { return rule->Reads(name); });
  reads_->Insert(name, reads ? 1 : 0);
  return reads;
}

int RelabelRules::Apply(LabelBuilder& labels) const {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (!ApplyOne(i, labels, nullptr)) return static_cast<int>(i);
  }
  return -1;
}

bool RelabelRules::ApplyOne(std::size_t rule, LabelBuilder& labels,
                            Report* report) const {
  const Rule& now = *rules_[rule];
  const std::string_view value = now.Join(labels);
  if (report != nullptr) report->source = value;
  const auto target = [&now] { return now.target_name->id(); };
  bool matched = true;
  bool kept = true;
  switch (now.action) {
    case Action::kReplace:
      matched = now.Replace(value, labels);
      break;
    case Action::kKeep:
      kept = matched = now.regex->Matches(value);
      break;
    case Action::kDrop:
      matched = now.regex->Matches(value);
      kept = !matched;
      break;
    case Action::kKeepEqual:
      kept = matched = labels.Get(target()) == value;
      break;
    case Action::kDropEqual:
      matched = labels.Get(target()) == value;
      kept = !matched;
      break;
    case Action::kHashMod: {
      std::array<char, 20> digits;
      const auto end =
          std::to_chars(digits.data(), digits.data() + digits.size(),
                        LowHalfOfMd5(value) % now.modulus);
      labels.Set(target(), labels.Keep({digits.data(), end.ptr}));
      break;
    }
    case Action::kLabelMap:
      matched = now.LabelMap(labels);
      break;
    case Action::kLabelDrop:
      matched = now.DeleteNames(true, labels);
      break;
    case Action::kLabelKeep:
      matched = now.DeleteNames(false, labels);
      break;
    case Action::kLowercase:
    case Action::kUppercase: {
      std::string mapped;
      if (now.action == Action::kLowercase) {
        AppendGoLower(value, mapped);
      } else {
        AppendGoUpper(value, mapped);
      }
      labels.Set(target(), labels.Keep(mapped));
      break;
    }
  }
  if (report != nullptr) report->matched = matched;
  return kept;
}

}  // namespace ta
