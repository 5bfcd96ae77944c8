// YAML text as a tree of nodes that know where they stand, read the way Go's
// yaml.v2 reads it, because that is what Prometheus's configuration means:
// duplicate keys are mistakes, `<<` merges, aliases have a budget, and scalars
// keep their text until a reader says what it wants (yaml_scalar.h). JSON is
// YAML, so this also reads JSON of moderate size; data in bulk goes through
// simdjson instead.
//
// The parser is libyaml, of which yaml.v2 is a port. Differences from yaml.v2:
// input must be UTF-8 and one document; docs/configuration.md lists the rest.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "allocator/config/mistake.h"

namespace ta {

struct YamlNode;

// One key of a map with its value. `<<` has been resolved: its keys stand
// among the others.
struct YamlEntry {
  std::string_view key;             // the text, without quotes
  int line = 0;                     // of the key, from 1
  int column = 0;                   // from 1
  const YamlNode* value = nullptr;  // never null; may be a kNull node
  // What the key was set to before `<<` set it again, or the map itself after
  // `<<`; else null. Go decodes the one over the other: a later map into the
  // same struct leaves the struct's other fields, and a map of values that
  // gets a key twice is refused.
  const YamlEntry* earlier = nullptr;
};

// One node; immutable once parsed, and owned by its YamlTree. Aliases share
// the node of their anchor, so the nodes form a graph without cycles, of
// bounded depth and bounded expanded size.
struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  bool plain =
      false;  // a scalar that is neither quoted, nor a block, nor tagged
  std::uint16_t depth = 1;     // levels from here down, itself included
  int line = 0;                // from 1; where a null is left out, of its key
  int column = 0;              // from 1
  std::uint64_t expanded = 1;  // nodes in here if aliases were copies
  std::string_view text;       // a scalar's text: raw, unquoted, unresolved
  std::string_view tag;        // an explicit tag in full, else ""
  std::vector<const YamlNode*> items;  // of a sequence
  std::vector<YamlEntry> entries;      // of a map, keys unique, as written

  bool IsNull() const { return kind == Kind::kNull; }
  bool IsScalar() const { return kind == Kind::kScalar; }
  bool IsSequence() const { return kind == Kind::kSequence; }
  bool IsMap() const { return kind == Kind::kMap; }
  // The entry of `key`, or null. O(entries). REQUIRES: IsMap()
  const YamlEntry* Find(std::string_view key) const;
  // For messages: "nothing", "a list", "a map", or the quoted text.
  std::string Described() const;
};

// Owns the nodes and their text; immutable, so threads may share it. Memory
// and time are linear in the text.
class YamlTree {
 public:
  // How deep a document may nest, aliases followed.
  static constexpr int kMaxDepth = 600;

  // Parses one document. What is wrong is appended to `mistakes` under the name
  // `file`; after a syntax error there is no root, after a lesser mistake (a
  // duplicate key) the tree is there so that a reader can find the others.
  // Never throws.
  static YamlTree Parse(std::string_view file, std::string_view text,
                        Mistakes& mistakes);

  // Null if there was a syntax error or the text holds no document (it is
  // empty, or only comments).
  const YamlNode* root() const { return root_; }

 private:
  friend class YamlBuilder;
  std::unique_ptr<std::pmr::monotonic_buffer_resource> text_;
  std::deque<YamlNode> nodes_;  // a deque: addresses stay
  std::deque<YamlEntry> earlier_;
  const YamlNode* root_ = nullptr;
};

}  // namespace ta
