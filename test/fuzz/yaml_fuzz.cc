// Any text read as YAML: no crash, and what the tree promises of itself.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "allocator/config/mistake.h"
#include "allocator/config/yaml_tree.h"
#include "test/fuzz/require.h"

namespace ta {
namespace {

// Depth and size are bounded, also where aliases share nodes; so this may walk
// the graph as the tree that it stands for, for a while.
void Walk(const YamlNode& node, int depth, int& steps) {
  TA_REQUIRE(depth <= YamlTree::kMaxDepth);
  TA_REQUIRE(node.line >= 1 && node.column >= 1);
  if (++steps > 100'000) return;
  TA_REQUIRE(!node.Described().empty());
  for (const YamlNode* item : node.items) {
    TA_REQUIRE(node.IsSequence() && item->depth < node.depth);
    Walk(*item, depth + 1, steps);
  }
  for (const YamlEntry& entry : node.entries) {
    TA_REQUIRE(node.IsMap() && entry.value->depth < node.depth);
    TA_REQUIRE(entry.line >= 1 && entry.column >= 1);
    TA_REQUIRE(node.entries.size() > 50 || node.Find(entry.key) == &entry);
    Walk(*entry.value, depth + 1, steps);
  }
}

void Check(std::string_view text) {
  Mistakes mistakes;
  const YamlTree tree = YamlTree::Parse("f", text, mistakes);
  for (const Mistake& mistake : mistakes) {
    TA_REQUIRE(!mistake.message.empty());
    TA_REQUIRE(mistake.ToString().find('\n') == std::string::npos);
  }
  int steps = 0;
  if (tree.root() != nullptr) Walk(*tree.root(), 1, steps);
}

}  // namespace
}  // namespace ta

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  ta::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
