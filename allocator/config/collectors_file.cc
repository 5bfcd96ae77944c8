#include "allocator/config/collectors_file.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "allocator/collector_name.h"
#include "allocator/config/yaml_scalar.h"

namespace ta {
namespace {

constexpr std::array kCollectorFields = JoinFields(std::array{
    Field{"name"},
    Field{"node"},
    Field{"weight", Type::kAny},
});
constexpr Record kCollector{"a collector", kCollectorFields};

}  // namespace

std::vector<StaticCollector> ReadCollectors(const YamlNode& list,
                                            const Path& path,
                                            SchemaReader& reader) {
  std::vector<StaticCollector> out;
  if (!list.IsSequence()) {
    reader.Say(
        &list, path,
        "expected a list of collectors, got " + std::string(KindOf(list)));
    return out;
  }
  std::unordered_map<std::string, int> lines;  // of names so far
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const YamlNode& item = *list.items[i];
    const Path at{&path, {}, static_cast<int>(i)};
    StaticCollector collector;
    if (item.IsScalar()) {
      collector.name = item.text;
    } else if (item.IsMap()) {
      const Value value = reader.Read(&item, kCollector, at);
      collector.name = value.at("name").text;
      collector.node = value.at("node").text;
      if (value.at("weight").written)
        reader.SayAt(value, "weight", at,
                     "weights are not supported: every collector gets an equal "
                     "share");
      if (value.at("name").bad) continue;
    } else if (!item.IsNull()) {
      reader.Say(&item, at,
                 "expected a name or a map with name and node, got " +
                     std::string(KindOf(item)));
      continue;
    }
    if (collector.name.empty()) {
      reader.Say(&item, at, "a collector needs a name");
      continue;
    }
    if (const auto valid = CheckCollectorName(collector.name); !valid) {
      reader.Say(&item, at, valid.error().message);
      continue;
    }
    const auto [first, fresh] = lines.emplace(collector.name, item.line);
    if (!fresh) {
      reader.Say(&item, at,
                 "collector " + Quoted(collector.name) +
                     " is there already, at line " +
                     std::to_string(first->second));
      continue;
    }
    out.push_back(std::move(collector));
  }
  return out;
}

std::expected<std::vector<StaticCollector>, Mistakes> ParseCollectorsFile(
    std::string_view file, std::string_view text) {
  Mistakes mistakes;
  const YamlTree tree = YamlTree::Parse(file, text, mistakes);
  if (tree.root() == nullptr && mistakes.empty())
    mistakes.push_back({std::string(file), 0, 0, "",
                        "the file is empty; write [] for no collectors", ""});
  if (tree.root() == nullptr) {
    SortMistakes(mistakes);
    return std::unexpected(std::move(mistakes));
  }
  SchemaReader reader(std::string(file), mistakes, mistakes);
  auto collectors = ReadCollectors(*tree.root(), Path{}, reader);
  SortMistakes(mistakes);
  if (!mistakes.empty()) return std::unexpected(std::move(mistakes));
  return collectors;
}

}  // namespace ta
