// Random configurations from the tables themselves, so that a new row is tried
// without a change here. A file is first made valid, with the help of what our
// own check says is wrong, and then perhaps broken in one place: so a wrong
// verdict isn't hidden behind another mistake.

#pragma once

#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/config/schema.h"

namespace ta::test {

class ConfigMaker {
 public:
  explicit ConfigMaker(unsigned seed) : random_(seed) {}

  // Prometheus's file. Equal seeds give equal sequences.
  std::string File();

 private:
  struct Entry;
  struct Node {
    enum class Kind { kScalar, kList, kMap };
    Kind kind = Kind::kScalar;
    std::string text;  // of a scalar, as it is written; with its quotes
    std::vector<Node> items;
    std::vector<Entry> entries;
    std::string anchor;  // "&x " or "", before the node
  };
  struct Entry {
    Entry(std::string_view key, Node value)
        : first(key), second(std::move(value)) {}
    std::string first;  // the key, as it is written
    Node second;
  };

  unsigned Below(unsigned limit) { return random_() % limit; }
  bool OneIn(unsigned n) { return Below(n) == 0; }
  template <typename List>
  std::string Pick(const List& list) {
    return std::string(list[Below(static_cast<unsigned>(std::size(list)))]);
  }

  Node Scalar(std::string text) {
    Node node;
    node.text = std::move(text);
    return node;
  }
  Node List(const Field& element, unsigned most);
  Node Map(const Field& element, unsigned most);
  Node AnyTree(int depth);
  Node RecordOf(const Record& record, int depth);
  Node ValueOf(const Field& field, int depth);
  std::string TextOf(const Field& field);
  std::string Quoted(std::string text);

  // Drops or sets what our own check complains about, until it doesn't.
  bool Repair(Node& file);
  // Makes the place `path` right: sets it if something is missing there.
  bool Mend(Node& file, std::string_view path, bool set);
  // One random change, for better or worse.
  void Break(Node& file);
  // Aliases and merges in place of what they stand for.
  void Share(Node& file);

  std::string Write(const Node& file);
  void WriteBlock(const Node& node, std::size_t indent, std::string& out);
  void WriteFlow(const Node& node, std::string& out);

  std::mt19937 random_;
  int anchors_ = 0;
};

}  // namespace ta::test
