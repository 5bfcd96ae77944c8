#include "allocator/config/pod_selector.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/config/kubernetes_selector.h"
#include "allocator/config/mistake.h"

namespace ta {
namespace {

class Printer {
 public:
  explicit Printer(SchemaReader& reader) : reader_(reader) {}

  void Labels(const Value& labels, const Path& path) {
    for (std::size_t i = 0; i < labels.keys.size(); ++i) {
      const std::string_view key = labels.keys[i];
      const Value& value = labels.items[i];
      const YamlNode* at = value.node != nullptr ? value.node : labels.node;
      const Path here{&path, key};
      if (!IsLabelKey(key)) {
        reader_.Say(at, here, "invalid label name " + Quoted(key));
      } else if (!IsLabelValue(value.text)) {
        reader_.Say(at, here, "invalid label value " + Quoted(value.text));
      }
      Add(key, std::string(key) + "=" + value.text);
    }
  }

  void Expressions(const Value& expressions, const Path& path) {
    for (std::size_t i = 0; i < expressions.items.size(); ++i) {
      const Value& expression = expressions.items[i];
      if (expression.bad || expression.record == nullptr) continue;
      Expression(expression, Path{&path, {}, static_cast<int>(i)});
    }
  }

  std::string Text() {
    std::ranges::stable_sort(parts_, {}, &Part::first);
    std::string text;
    for (const auto& [key, part] : parts_) {
      if (!text.empty()) text += ',';
      text += part;
    }
    return text;
  }

 private:
  using Part = std::pair<std::string, std::string>;  // key, requirement

  void Add(std::string_view key, std::string text) {
    parts_.emplace_back(key, std::move(text));
  }

  void Expression(const Value& expression, const Path& path) {
    const std::string& key = expression.at("key").text;
    const std::string& op = expression.at("operator").text;
    const Value& values = expression.at("values");
    if (!IsLabelKey(key) && !expression.at("key").bad) {
      reader_.SayAt(
          expression, "key", path,
          key.empty() ? "must be set" : "invalid label name " + Quoted(key));
    }
    if (op.empty() && !expression.at("operator").bad) {
      reader_.SayAt(expression, "operator", path,
                    "must be set, one of In, NotIn, Exists, DoesNotExist");
    }
    if (op == "Exists") Add(key, key);
    if (op == "DoesNotExist") Add(key, "!" + key);
    if (op == "In" || op == "NotIn") {
      Add(key, key + (op == "In" ? " in (" : " notin (") +
                   Values(expression, path) + ")");
    } else if (!op.empty() && !values.items.empty()) {
      reader_.SayAt(expression, "values", path,
                    "cannot be set together with operator " + op);
    }
  }

  std::string Values(const Value& expression, const Path& path) {
    const Value& values = expression.at("values");
    if (values.items.empty() && !values.bad) {
      reader_.SayAt(
          expression, "values", path,
          "must be set for operator " + expression.at("operator").text);
    }
    std::vector<std::string_view> sorted;
    const Path list{&path, "values"};
    for (std::size_t i = 0; i < values.items.size(); ++i) {
      const Value& value = values.items[i];
      sorted.push_back(value.text);
      if (value.bad || IsLabelValue(value.text)) continue;
      reader_.Say(value.node != nullptr ? value.node : values.node,
                  Path{&list, {}, static_cast<int>(i)},
                  "invalid label value " + Quoted(value.text));
    }
    std::ranges::sort(sorted);
    sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
    std::string text;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (i > 0) text += ',';
      text += sorted[i];
    }
    return text;
  }

  SchemaReader& reader_;
  std::vector<Part> parts_;
};

}  // namespace

std::string PodSelector(const Value& selector, const Path& path,
                        SchemaReader& reader) {
  if (!selector.set || selector.bad || selector.record == nullptr) return "";
  Printer printer(reader);
  for (const auto& [one, other] :
       {std::pair("matchLabels", "matchlabels"),
        std::pair("matchExpressions", "matchexpressions")}) {
    if (!selector.at(one).items.empty() && !selector.at(other).items.empty()) {
      reader.SayAt(selector, one, path,
                   "cannot be set together with " + std::string(other));
    }
  }
  for (const char* name : {"matchLabels", "matchlabels"}) {
    printer.Labels(selector.at(name), Path{&path, name});
  }
  for (const char* name : {"matchExpressions", "matchexpressions"}) {
    printer.Expressions(selector.at(name), Path{&path, name});
  }
  return printer.Text();
}

}  // namespace ta
