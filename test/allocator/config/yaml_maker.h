// Random YAML documents: trees written in every style, soups of fragments, and
// both of them damaged.

#pragma once

#include <random>
#include <string>
#include <string_view>

namespace ta::test {

class YamlMaker {
 public:
  explicit YamlMaker(unsigned seed) : random_(seed) {}

  // Equal seeds give equal sequences. Any bytes.
  std::string Document();

 private:
  unsigned Below(unsigned limit) { return random_() % limit; }
  bool OneIn(unsigned n) { return Below(n) == 0; }
  template <typename List>
  std::string Pick(const List& list) {
    return std::string(list[Below(static_cast<unsigned>(std::size(list)))]);
  }

  std::string Properties();
  std::string Scalar(std::size_t indent, bool flow);
  void Flow(int depth, std::string& out);
  // Writes a node that follows `-` or `key:` and ends the line.
  void Block(std::size_t indent, int depth, std::string& out);
  std::string Soup();
  void Damage(std::string& text);

  std::mt19937 random_;
  int anchors_ = 0;
};

}  // namespace ta::test
