#include "discovery/kubernetes/meta_labels.h"

#include <algorithm>
#include <cstdint>
#include <functional>

#include "allocator/base/utf8.h"

namespace ta::kubernetes {

void MetaLabels::AddSanitized(std::string_view prefix, std::string_view key,
                              std::string_view value) {
  std::string name;
  name.reserve(prefix.size() + key.size());
  name = prefix;
  while (!key.empty()) {
    const char32_t c = TakeCharacter(key);
    const bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9');
    name += stays ? static_cast<char>(c) : '_';
  }
  pairs_.push_back({Keep(std::move(name)), value});
}

void MetaLabels::AddMap(const JsonValue& map, std::string_view prefix,
                        std::string_view present_prefix) {
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  map.EachText([&](std::string_view key, std::string_view value) {
    fields.emplace_back(key, value);
  });
  std::sort(fields.begin(), fields.end(), std::greater<>());
  for (const auto& [key, value] : fields) {
    AddSanitized(prefix, key, value);
    AddSanitized(present_prefix, key, "true");
  }
}

void MetaLabels::AddLabelsAndAnnotations(const JsonValue& metadata,
                                         std::string_view role) {
  const std::string prefix = "__meta_kubernetes_" + std::string(role);
  AddMap(metadata["labels"], prefix + "_label_", prefix + "_labelpresent_");
  AddMap(metadata["annotations"], prefix + "_annotation_",
         prefix + "_annotationpresent_");
}

std::string PortText(std::int32_t port) {
  return std::to_string(static_cast<std::uint64_t>(std::int64_t{port}));
}

std::string JoinHostPort(std::string_view host, std::string_view port) {
  const bool brackets = host.find(':') != std::string_view::npos;
  std::string address = brackets ? "[" : "";
  address += host;
  address += brackets ? "]:" : ":";
  return address.append(port);
}

}  // namespace ta::kubernetes
