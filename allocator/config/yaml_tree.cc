#include "allocator/config/yaml_tree.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "allocator/config/yaml_text.h"

namespace ta {
namespace {

// yaml.v2's limits (decode.go): how much of a document may come from aliases.
constexpr double kRatioRangeLow = 400'000;
constexpr double kRatioRangeHigh = 4'000'000;

double AllowedAliasRatio(double nodes) {
  if (nodes <= kRatioRangeLow) return 0.99;
  if (nodes >= kRatioRangeHigh) return 0.10;
  return 0.99 -
         0.89 * ((nodes - kRatioRangeLow) / (kRatioRangeHigh - kRatioRangeLow));
}

// Unwinds yaml-cpp once a mistake makes going on pointless.
struct StopParsing {};

}  // namespace

const YamlEntry* YamlNode::Find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string YamlNode::Described() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return Quoted(text);
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return {};
}

// Receives yaml-cpp's events and hangs finished nodes under the open ones.
class YamlBuilder final : public YAML::EventHandler {
 public:
  YamlBuilder(YamlTree& tree, std::string_view file, std::string_view text,
              Mistakes& mistakes)
      : tree_(tree), file_(file), text_(text), mistakes_(mistakes) {}

  // What can be said only once the parser has found nothing wrong. False if
  // there was something.
  bool CheckAtEnd() {
    if (refused_) {
      Say(*refused_, "a key must be a plain value, not a map or a list");
    } else if (!last_scalar_.is_null() &&
               QuoteIsOpen(text_, static_cast<std::size_t>(last_scalar_.pos))) {
      // yaml-cpp takes the end of the text for the missing quote.
      Say(last_scalar_, "not valid YAML: this quote is never closed");
    } else {
      return true;
    }
    return false;
  }

  void Say(const YAML::Mark& mark, std::string message) {
    mistakes_.push_back({std::string(file_), mark.is_null() ? 0 : mark.line + 1,
                         mark.is_null() ? 0 : mark.column + 1, "",
                         std::move(message), ""});
  }

 private:
  // A map or sequence whose end has not come yet.
  struct Open {
    YamlNode* node;
    YAML::anchor_t anchor;
    bool has_key = false;  // of a map: the next node is this key's value
    bool merge = false;    // the key is `<<`
    YamlEntry key;
    std::vector<bool> written;  // by entry: written here, not merged in
    // Only once a map has more than kIndexedAbove entries.
    std::unordered_map<std::string_view, std::size_t> index;
  };
  static constexpr std::size_t kIndexedAbove = 16;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    Say(mark, "a second document begins here; the file must hold one");
    throw StopParsing{};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode* node = NewNode(YamlNode::Kind::kNull, mark);
    if (!open_.empty() && open_.back().has_key) {
      // yaml-cpp marks a value that is left out at the next token.
      node->line = open_.back().key.line;
      node->column = open_.back().key.column;
    } else if (!open_.empty() && open_.back().node->IsSequence()) {
      const TextPlace dash = DashBefore(
          text_,
          {mark.line + 1, mark.column + 1, static_cast<std::size_t>(mark.pos)});
      node->line = dash.line;
      node->column = dash.column;
    }
    Finish(node, anchor, mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& value) override {
    YamlNode* node = NewNode(YamlNode::Kind::kScalar, mark);
    node->plain = tag == "?";
    if (!node->plain && tag != "!") node->tag = Keep(tag);
    last_scalar_ = node->plain ? YAML::Mark::null_mark() : mark;
    if (tag == "tag:yaml.org,2002:binary") {
      const auto bytes = DecodeBase64(value);
      if (!bytes) Say(mark, "!!binary needs base64 text");
      node->text = Keep(bytes.value_or(std::string()));
    } else {
      node->text = Keep(value);
    }
    Finish(node, anchor, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Say(mark, "this alias stands inside its own anchor");
      throw StopParsing{};
    }
    aliased_ += static_cast<double>(found->second->expanded);
    ++aliases_;
    const double total =
        aliased_ + aliases_ + static_cast<double>(tree_.nodes_.size());
    if (aliased_ > 100 && total > 1000 &&
        aliased_ / total > AllowedAliasRatio(total)) {
      Say(mark, "aliases repeat too much of the document");
      throw StopParsing{};
    }
    Attach(found->second, mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    RefuseAsKey(mark);
    open_.push_back({NewNode(YamlNode::Kind::kSequence, mark), anchor});
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    RefuseAsKey(mark);
    open_.push_back({NewNode(YamlNode::Kind::kMap, mark), anchor});
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

  void Close() {
    const Open done = std::move(open_.back());
    open_.pop_back();
    YAML::Mark mark;
    mark.line = done.node->line - 1;
    mark.column = done.node->column - 1;
    Finish(done.node, done.anchor, mark);
  }

  // A map or list can't be a key: no field of ours or of Prometheus has one.
  // Parsing goes on, because what looks like such a key is often a bracket
  // that is not closed, which the parser will say.
  void RefuseAsKey(const YAML::Mark& mark) {
    if (open_.empty() || !open_.back().node->IsMap() || open_.back().has_key)
      return;
    if (!refused_) refused_ = mark;
  }

  YamlNode* NewNode(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return &node;
  }

  std::string_view Keep(const std::string& text) {
    if (text.empty()) return {};
    auto* copy = static_cast<char*>(tree_.text_->allocate(text.size(), 1));
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
  }

  void Finish(YamlNode* node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    Attach(node, mark);
  }

  void Attach(const YamlNode* node, const YAML::Mark& mark) {
    if (open_.empty()) {
      tree_.root_ = node;
      return;
    }
    Open& parent = open_.back();
    if (parent.node->IsSequence()) {
      parent.node->items.push_back(node);
      Grow(*parent.node, *node, mark);
    } else if (!parent.has_key) {
      if (!node->IsScalar() && !node->IsNull()) RefuseAsKey(mark);
      parent.has_key = true;
      parent.merge = node->plain && node->text == "<<";
      parent.key = {node->text, node->line, node->column};
    } else if (refused_) {
      parent.has_key = false;  // the tree will not be used
    } else {
      parent.has_key = false;
      Grow(*parent.node, *node, mark);
      if (parent.merge) {
        Merge(parent, *node, mark);
      } else {
        parent.key.value = node;
        Put(parent, parent.key, Origin::kWritten);
      }
    }
  }

  void Grow(YamlNode& parent, const YamlNode& child, const YAML::Mark& mark) {
    parent.expanded += child.expanded;
    parent.depth = std::max<std::uint16_t>(
        parent.depth, static_cast<std::uint16_t>(child.depth + 1));
    if (parent.depth > YamlTree::kMaxDepth) {
      Say(mark, "nested too deeply");
      throw StopParsing{};
    }
  }

  enum class Origin { kWritten, kMerged };

  void Put(Open& map, const YamlEntry& entry, Origin origin) {
    auto& entries = map.node->entries;
    const auto at = IndexOf(map, entry.key);
    if (!at) {
      if (!map.index.empty()) map.index.emplace(entry.key, entries.size());
      entries.push_back(entry);
      map.written.push_back(origin == Origin::kWritten);
      return;
    }
    if (origin == Origin::kWritten && map.written[*at]) {
      YAML::Mark mark;
      mark.line = entry.line - 1;
      mark.column = entry.column - 1;
      Say(mark, "key " + Quoted(entry.key) + " is already set at line " +
                    std::to_string(entries[*at].line));
      return;
    }
    // As in yaml.v2 the later one wins, be it merged or written.
    if (origin == Origin::kWritten) map.written[*at] = true;
    entries[*at] = entry;
  }

  static std::optional<std::size_t> IndexOf(Open& map, std::string_view key) {
    const auto& entries = map.node->entries;
    if (entries.size() <= kIndexedAbove) {
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].key == key) return i;
      }
      return std::nullopt;
    }
    if (map.index.empty()) {
      for (std::size_t i = 0; i < entries.size(); ++i)
        map.index.emplace(entries[i].key, i);
    }
    const auto found = map.index.find(key);
    if (found == map.index.end()) return std::nullopt;
    return found->second;
  }

  // Of several maps the earlier wins, so they go in from the last.
  void Merge(Open& map, const YamlNode& value, const YAML::Mark& mark) {
    if (value.IsMap()) {
      for (const auto& entry : value.entries) Put(map, entry, Origin::kMerged);
      return;
    }
    const bool maps =
        value.IsSequence() &&
        std::all_of(value.items.begin(), value.items.end(),
                    [](const YamlNode* item) { return item->IsMap(); });
    if (!maps) {
      Say(mark, "<< takes a map or a list of maps");
      return;
    }
    for (auto item = value.items.rbegin(); item != value.items.rend(); ++item)
      Merge(map, **item, mark);
  }

  YamlTree& tree_;
  std::string_view file_;
  std::string_view text_;
  Mistakes& mistakes_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, const YamlNode*> anchors_;
  double aliased_ = 0;                 // nodes that aliases stand for
  double aliases_ = 0;                 // and how many there are
  std::optional<YAML::Mark> refused_;  // the first key that can't be one
  YAML::Mark last_scalar_ = YAML::Mark::null_mark();  // unless it is plain
  int documents_ = 0;
};

YamlTree YamlTree::Parse(std::string_view file, std::string_view text,
                         Mistakes& mistakes) {
  YamlTree tree;
  tree.text_ = std::make_unique<std::pmr::monotonic_buffer_resource>();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (auto bad = FindBadText(text)) {
    mistakes.push_back({std::string(file), bad->line, bad->column, "",
                        std::move(bad->message), ""});
    return tree;
  }
  YamlBuilder builder(tree, file, text, mistakes);
  bool whole = false;
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    whole = builder.CheckAtEnd();
  } catch (const StopParsing&) {
  } catch (const YAML::DeepRecursion& error) {
    builder.Say(error.mark, "nested too deeply");
  } catch (const YAML::Exception& error) {
    // Some versions name the anchor or tag after a colon; an unquoted password
    // can look like one.
    builder.Say(error.mark,
                "not valid YAML: " + error.msg.substr(0, error.msg.find(": ")));
  } catch (const std::exception& error) {
    builder.Say(YAML::Mark::null_mark(),
                std::string("not valid YAML: ") + error.what());
  }
  if (!whole) tree.root_ = nullptr;
  return tree;
}

}  // namespace ta
