#include "allocator/config/yaml_tree.h"

#include <yaml.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "allocator/config/yaml_scalar.h"
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

// A place in the text, from 0, in bytes.
struct Mark {
  int line = 0;
  int column = 0;
};

// libyaml counts characters where editors, and we, count bytes.
class Places {
 public:
  explicit Places(std::string_view text)
      : text_(text), ascii_(std::all_of(text.begin(), text.end(), [](char c) {
          return static_cast<unsigned char>(c) < 0x80;
        })) {}

  // Amortised O(1) for marks in the order of the text.
  std::size_t Offset(const yaml_mark_t& mark) {
    return ascii_ ? mark.index : Byte(mark.index);
  }
  Mark Of(const yaml_mark_t& mark) {
    Mark out{static_cast<int>(mark.line), static_cast<int>(mark.column)};
    if (ascii_) return out;
    if (mark.line != line_ || !has_line_) {
      line_begin_ = Byte(mark.index - mark.column);
      line_ = mark.line;
      has_line_ = true;
    }
    out.column = static_cast<int>(Byte(mark.index) - line_begin_);
    return out;
  }

 private:
  bool Continues(std::size_t at) const {
    return at < text_.size() &&
           (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80;
  }
  // The offset of character `index`.
  std::size_t Byte(std::size_t index) {
    while (character_ < index && byte_ < text_.size()) {
      do {
        ++byte_;
      } while (Continues(byte_));
      ++character_;
    }
    while (character_ > index) {
      do {
        --byte_;
      } while (Continues(byte_));
      --character_;
    }
    return byte_;
  }

  std::string_view text_;
  bool ascii_;
  std::size_t character_ = 0;  // where the last search ended,
  std::size_t byte_ = 0;       // counted in both ways
  bool has_line_ = false;      // that of the last mark, and where it begins:
  std::size_t line_ = 0;       // a file may be one long line
  std::size_t line_begin_ = 0;
};

// libyaml's parser and its current event, freed whatever happens.
class Events {
 public:
  explicit Events(std::string_view text) {
    good_ = yaml_parser_initialize(&parser_) != 0;
    if (!good_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &parser_, reinterpret_cast<const unsigned char*>(text.data()),
        text.size());
  }
  ~Events() {
    if (event_.type != YAML_NO_EVENT) yaml_event_delete(&event_);
    if (good_) yaml_parser_delete(&parser_);
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  // The next event, or null after a syntax error.
  const yaml_event_t* Next() {
    if (event_.type != YAML_NO_EVENT) yaml_event_delete(&event_);
    event_ = {};
    if (!good_ || yaml_parser_parse(&parser_, &event_) == 0) return nullptr;
    return &event_;
  }
  const yaml_parser_t& parser() const { return parser_; }

 private:
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool good_ = false;
};

std::string_view Text(const yaml_char_t* text) {
  return text == nullptr ? std::string_view()
                         : reinterpret_cast<const char*>(text);
}

bool IsNullWord(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" ||
         text == "NULL";
}

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

// Hangs finished nodes under the open ones, event by event.
class YamlBuilder {
 public:
  YamlBuilder(YamlTree& tree, std::string_view file, std::string_view text,
              Mistakes& mistakes)
      : tree_(tree), file_(file), text_(text), mistakes_(mistakes) {}

  // False if there is no tree to be had.
  bool Build() {
    Events events(text_);
    for (;;) {
      const yaml_event_t* event = events.Next();
      if (event == nullptr) {
        SaySyntax(events.parser());
        return false;
      }
      if (event->type == YAML_STREAM_END_EVENT) break;
      if (!Take(*event)) return false;
    }
    if (refused_)
      Say(*refused_, "a key must be a plain value, not a map or a list");
    return !refused_;
  }

 private:
  void Say(Mark mark, std::string message) {
    mistakes_.push_back({std::string(file_), mark.line + 1, mark.column + 1, "",
                         std::move(message), ""});
  }

  // libyaml's own words are constant, so that they show nothing of the file.
  void SaySyntax(const yaml_parser_t& parser) {
    const std::string_view problem =
        parser.problem == nullptr ? "out of memory" : parser.problem;
    const std::string_view context =
        parser.context == nullptr ? "" : parser.context;
    if (problem == "found unexpected end of stream" &&
        context == "while scanning a quoted scalar")
      return Say(places_.Of(parser.context_mark),
                 "not valid YAML: this quote is never closed");
    if (ended_)
      return Say(places_.Of(parser.problem_mark),
                 "not valid YAML: this stands after the end of the document");
    std::string message = "not valid YAML: " + std::string(problem);
    if (!context.empty()) message += ", " + std::string(context);
    Say(places_.Of(parser.problem_mark), std::move(message));
  }

  // Takes one event. False once a mistake makes going on pointless.
  bool Take(const yaml_event_t& event) {
    const Mark mark = places_.Of(event.start_mark);
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        if (++documents_ == 1) return true;
        Say(mark, "a second document begins here; the file must hold one");
        return false;
      case YAML_DOCUMENT_END_EVENT:
        ended_ = true;
        return true;
      case YAML_SCALAR_EVENT:
        return Scalar(event, mark);
      case YAML_ALIAS_EVENT:
        return Alias(Text(event.data.alias.anchor), mark);
      case YAML_SEQUENCE_START_EVENT:
        return Begin(
            YamlNode::Kind::kSequence,
            event.data.sequence_start.style == YAML_BLOCK_SEQUENCE_STYLE,
            Text(event.data.sequence_start.anchor), mark);
      case YAML_MAPPING_START_EVENT:
        return Begin(YamlNode::Kind::kMap,
                     event.data.mapping_start.style == YAML_BLOCK_MAPPING_STYLE,
                     Text(event.data.mapping_start.anchor), mark);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return Close();
      default:
        return true;
    }
  }

  // A map or sequence whose end has not come yet.
  struct Open {
    YamlNode* node;
    bool block = false;    // not in brackets or braces
    bool has_key = false;  // of a map: the next node is this key's value
    bool merge = false;    // the key is `<<`
    YamlEntry key;
    std::vector<bool> written;  // by entry: written here, not merged in
    // Only once a map has more than kIndexedAbove entries.
    std::unordered_map<std::string_view, std::size_t> index;
  };
  static constexpr std::size_t kIndexedAbove = 16;

  bool Scalar(const yaml_event_t& event, Mark mark) {
    const auto& scalar = event.data.scalar;
    const std::string_view value(reinterpret_cast<const char*>(scalar.value),
                                 scalar.length);
    const std::string_view tag = Text(scalar.tag);
    // To libyaml `! yes` is as good as `yes`; to Go it is text.
    const bool plain = scalar.plain_implicit != 0 && tag.empty() &&
                       !HasBareTag(places_.Offset(event.start_mark));
    const bool null =
        (plain || tag == "tag:yaml.org,2002:null") && IsNullWord(value);
    YamlNode* node =
        NewNode(null ? YamlNode::Kind::kNull : YamlNode::Kind::kScalar, mark);
    if (null && !open_.empty()) PlaceNull(*node, event.start_mark);
    node->plain = plain;
    node->tag = Keep(tag);
    if (tag == "tag:yaml.org,2002:binary") {
      const auto bytes = DecodeBase64(value);
      if (!bytes) Say(mark, "!!binary needs base64 text");
      node->text = Keep(bytes.value_or(std::string()));
    } else if (!null) {
      node->text = Keep(value);
    }
    Anchor(Text(scalar.anchor), node);
    return Attach(node, mark);
  }

  // Does a `!` alone stand before the node at `offset`, perhaps after its
  // anchor?
  bool HasBareTag(std::size_t offset) const {
    if (offset < text_.size() && text_[offset] == '&') {
      offset = text_.find_first_of(" \t\r\n", offset);
      offset = text_.find_first_not_of(" \t\r\n", offset);
    }
    return offset < text_.size() && text_[offset] == '!';
  }

  // Nothing to point at: it is where its key or its dash is.
  void PlaceNull(YamlNode& node, const yaml_mark_t& mark) {
    const Open& parent = open_.back();
    if (parent.has_key) {
      node.line = parent.key.line;
      node.column = parent.key.column;
    } else if (parent.block && parent.node->IsSequence()) {
      const TextPlace dash =
          DashBefore(text_, {node.line, node.column, places_.Offset(mark)});
      node.line = dash.line;
      node.column = dash.column;
    }
  }

  bool Alias(std::string_view name, Mark mark) {
    const auto found = anchors_.find(std::string(name));
    if (found == anchors_.end()) {
      Say(mark, "not valid YAML: this alias has no anchor before it");
      return false;
    }
    const YamlNode* node = found->second;
    const bool open =
        std::any_of(open_.begin(), open_.end(),
                    [&](const Open& each) { return each.node == node; });
    if (open) {
      Say(mark, "this alias stands inside its own anchor");
      return false;
    }
    aliased_ += static_cast<double>(node->expanded);
    ++aliases_;
    const double total =
        aliased_ + aliases_ + static_cast<double>(tree_.nodes_.size());
    if (aliased_ > 100 && total > 1000 &&
        aliased_ / total > AllowedAliasRatio(total)) {
      Say(mark, "aliases repeat too much of the document");
      return false;
    }
    return Attach(node, mark);
  }

  bool Begin(YamlNode::Kind kind, bool block, std::string_view anchor,
             Mark mark) {
    RefuseAsKey(mark);
    YamlNode* node = NewNode(kind, mark);
    Anchor(anchor, node);
    if (open_.size() >= static_cast<std::size_t>(YamlTree::kMaxDepth)) {
      Say(mark, "nested too deeply");
      return false;
    }
    open_.push_back({node, block});
    return true;
  }

  bool Close() {
    const Open done = std::move(open_.back());
    open_.pop_back();
    return Attach(done.node, {done.node->line - 1, done.node->column - 1});
  }

  // A name may be given again: what follows means the newer node.
  void Anchor(std::string_view name, const YamlNode* node) {
    if (!name.empty()) anchors_[std::string(name)] = node;
  }

  // A map or list can't be a key: no field of ours or of Prometheus has one.
  // Parsing goes on, because what looks like such a key is often a bracket
  // that is not closed, which the parser will say.
  void RefuseAsKey(Mark mark) {
    if (open_.empty() || !open_.back().node->IsMap() || open_.back().has_key)
      return;
    if (!refused_) refused_ = mark;
  }

  YamlNode* NewNode(YamlNode::Kind kind, Mark mark) {
    YamlNode& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return &node;
  }

  std::string_view Keep(std::string_view text) {
    if (text.empty()) return {};
    auto* copy = static_cast<char*>(tree_.text_->allocate(text.size(), 1));
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
  }

  // False if it makes the tree too deep.
  bool Attach(const YamlNode* node, Mark mark) {
    if (open_.empty()) {
      tree_.root_ = node;
      return true;
    }
    Open& parent = open_.back();
    if (parent.node->IsSequence()) {
      parent.node->items.push_back(node);
      return Grow(*parent.node, *node, mark);
    }
    if (!parent.has_key) {
      if (!node->IsScalar() && !node->IsNull()) RefuseAsKey(mark);
      if (!FitsItsTag(*node)) Say(mark, "the key does not fit its tag");
      parent.has_key = true;
      parent.merge = node->text == "<<" &&
                     (node->plain || node->tag == "tag:yaml.org,2002:merge");
      parent.key = {node->text, node->line, node->column};
      return true;
    }
    parent.has_key = false;
    if (refused_) return true;  // the tree will not be used
    if (parent.merge) {
      Merge(parent, *node, mark);
    } else {
      parent.key.value = node;
      Put(parent, parent.key, Origin::kWritten);
    }
    return Grow(*parent.node, *node, mark);
  }

  bool Grow(YamlNode& parent, const YamlNode& child, Mark mark) {
    parent.expanded += child.expanded;
    parent.depth = std::max<std::uint16_t>(
        parent.depth, static_cast<std::uint16_t>(child.depth + 1));
    if (parent.depth <= YamlTree::kMaxDepth) return true;
    Say(mark, "nested too deeply");
    return false;
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
      Say({entry.line - 1, entry.column - 1},
          "key " + Quoted(entry.key) + " is already set at line " +
              std::to_string(entries[*at].line));
      return;
    }
    // As in yaml.v2 the later one wins, be it merged or written.
    if (origin == Origin::kWritten) map.written[*at] = true;
    tree_.earlier_.push_back(entries[*at]);
    entries[*at] = entry;
    entries[*at].earlier = &tree_.earlier_.back();
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
  void Merge(Open& map, const YamlNode& value, Mark mark) {
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
  Places places_{text_};
  Mistakes& mistakes_;
  std::vector<Open> open_;
  std::unordered_map<std::string, const YamlNode*> anchors_;
  double aliased_ = 0;           // nodes that aliases stand for
  double aliases_ = 0;           // and how many there are
  std::optional<Mark> refused_;  // the first key that can't be one
  int documents_ = 0;
  bool ended_ = false;  // the first document has
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
  if (!YamlBuilder(tree, file, text, mistakes).Build()) tree.root_ = nullptr;
  return tree;
}

}  // namespace ta
