#include "discovery/json_groups.h"

#include <simdjson.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/base/utf8.h"

// Why the unchanged part needs no parsing. The text is cut into spans: the n-th
// reaches from the end of the group before it (from the start of the text for
// the first) to the end of the n-th group, so it begins with the separator:
//
//   [{"targets": ["a"]}, {"targets": ["b"]}, {"targets": ["c"]}]
//   '-------- 0 -------''-------- 1 -------''-------- 2 -------'
//
// At the start of a span a parser is always in the same state: in the outer
// list, after a group. So if the bytes that follow are, by length and hash,
// those of the n-th span of the text that was read before, they parse as they
// did then. Otherwise the end of the group is looked for and its bytes are
// given to simdjson, which alone decides whether they are JSON; the search only
// counts braces outside of strings, and where it would count wrong simdjson
// refuses.

namespace ta {
namespace {

constexpr std::size_t kWindowBytes = 256 * 1024;  // fits in the second cache
constexpr std::size_t kMaxGroupBytes = std::size_t{1} << 30;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// A view of the text that moves forward. Behind it there are always the bytes
// that simdjson may read in excess.
class Window {
 public:
  explicit Window(const ByteSource& source) : source_(source) {}

  // Makes at least `size` bytes visible, if the text has as many.
  Result<void> Want(std::size_t size) {
    if (end_ - begin_ >= size || at_end_) return {};
    if (begin_ + size > capacity_) Grow(size);
    while (end_ - begin_ < size) {
      const auto count = source_(bytes_.get() + end_, capacity_ - end_);
      if (!count) return std::unexpected(count.error());
      if (*count == 0) {
        at_end_ = true;
        break;
      }
      end_ += *count;
    }
    return {};
  }
  Result<void> WantMore() { return Want(std::max<std::size_t>(2 * size(), 1)); }

  char* data() const { return bytes_.get() + begin_; }
  std::size_t size() const { return end_ - begin_; }
  std::size_t position() const { return position_; }  // in the text
  // Bytes that may be read from data() on.
  std::size_t readable() const { return allocated() - begin_; }
  void Advance(std::size_t count) {
    begin_ += count;
    position_ += count;
  }

 private:
  std::size_t allocated() const {
    return capacity_ + simdjson::SIMDJSON_PADDING;
  }

  // Moves what is visible to the front of a buffer that holds `size` bytes.
  void Grow(std::size_t size) {
    const std::size_t visible = end_ - begin_;
    if (size > capacity_) {
      capacity_ = std::max(kWindowBytes, 2 * size);
      auto larger = std::make_unique_for_overwrite<char[]>(allocated());
      if (visible > 0) std::memcpy(larger.get(), data(), visible);
      bytes_ = std::move(larger);
      std::memset(bytes_.get() + capacity_, 0, simdjson::SIMDJSON_PADDING);
    } else {
      std::memmove(bytes_.get(), data(), visible);
    }
    begin_ = 0;
    end_ = visible;
  }

  const ByteSource& source_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t position_ = 0;
  bool at_end_ = false;
};

// Finds the brace that closes the one at which it starts, piece by piece.
class EndOfObject {
 public:
  // Looks at `text`, which continues what was looked at; the length up to and
  // with the closing brace, if it is there.
  std::optional<std::size_t> Find(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
      const char c = *at++;
      if (escaped_) {
        escaped_ = false;
      } else if (in_string_) {
        if (c == '"') in_string_ = false;
        if (c == '\\') escaped_ = true;
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{') {
        ++depth_;
      } else if (c == '}' && --depth_ == 0) {
        return static_cast<std::size_t>(at - text.data());
      }
    }
    return std::nullopt;
  }

 private:
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

// As Go's encoding/json matches fields, but for a few letters outside of ASCII.
bool IsField(std::string_view name, std::string_view lower) {
  return EqualIgnoringAsciiCase(name, lower);
}

// One group's bytes to a GroupText; keeps its memory from group to group.
class GroupParser {
 public:
  // From `bytes` on `readable` may be read, which is more than `size`.
  Result<void> Parse(char* bytes, std::size_t size, std::size_t readable,
                     GroupText& group) {
    // simdjson looks at the one behind the text, and what it finds wrong may
    // depend on it.
    const char behind = std::exchange(bytes[size], ' ');
    auto error = Fill({bytes, size}, readable, group);
    bytes[size] = behind;
    if (error == simdjson::UTF8_ERROR) {
      clean_ = simdjson::padded_string(ToUtf8({bytes, size}));
      error = Fill(clean_, clean_.size() + simdjson::SIMDJSON_PADDING, group);
    }
    if (!wrong_.empty()) return Reject(std::exchange(wrong_, ""));
    if (error) return Reject(simdjson::error_message(error));
    return {};
  }

 private:
  using Value = simdjson::ondemand::value;
  using Type = simdjson::ondemand::json_type;

  simdjson::error_code Fill(std::string_view bytes, std::size_t readable,
                            GroupText& group) {
    group.targets.clear();
    group.labels.clear();
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (const auto error =
            parser_.iterate(bytes.data(), bytes.size(), readable).get(document))
      return error;
    if (const auto error = document.get_object().get(object)) return error;
    for (auto field : object) {
      std::string_view name;
      Value value;
      if (const auto error = field.unescaped_key().get(name)) return error;
      const bool targets = IsField(name, "targets");
      if (!targets && !IsField(name, "labels")) {
        wrong_ = "unknown field \"" + std::string(name) + "\"";
        return simdjson::INCORRECT_TYPE;
      }
      if (const auto error = field.value().get(value)) return error;
      const auto error =
          targets ? FillTargets(value, group) : FillLabels(value, group);
      if (error) return error;
    }
    return simdjson::SUCCESS;
  }

  // Is `value` of `wanted` type (true), or null (false)? Else it is an error.
  simdjson::error_code Check(Value& value, Type wanted, const char* what,
                             bool& there) {
    Type type;
    if (const auto error = value.type().get(type)) return error;
    there = type == wanted;
    if (there) return simdjson::SUCCESS;
    bool null = false;
    if (type == Type::null) {
      if (const auto error = value.is_null().get(null)) return error;
    }
    if (null) return simdjson::SUCCESS;
    wrong_ = what;
    return simdjson::INCORRECT_TYPE;
  }

  simdjson::error_code FillTargets(Value& value, GroupText& group) {
    group.targets.clear();
    bool there = false;
    if (const auto error = Check(value, Type::array,
                                 "targets is not a list of strings", there))
      return error;
    if (!there) return simdjson::SUCCESS;
    simdjson::ondemand::array array;
    if (const auto error = value.get_array().get(array)) return error;
    for (auto element : array) {
      Value target;
      if (const auto error = element.get(target)) return error;
      std::string_view text;
      if (const auto error =
              Check(target, Type::string, "a target is not a string", there))
        return error;
      if (there) {
        if (const auto error = target.get_string().get(text)) return error;
      }
      group.targets.push_back(text);
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code FillLabels(Value& value, GroupText& group) {
    group.labels.clear();
    bool there = false;
    if (const auto error =
            Check(value, Type::object, "labels is not a map of strings", there))
      return error;
    if (!there) return simdjson::SUCCESS;
    simdjson::ondemand::object object;
    if (const auto error = value.get_object().get(object)) return error;
    for (auto field : object) {
      LabelPair label;
      Value text;
      if (const auto error = field.unescaped_key().get(label.name))
        return error;
      if (const auto error = field.value().get(text)) return error;
      if (const auto error = Check(text, Type::string,
                                   "a label's value is not a string", there))
        return error;
      if (there) {
        if (const auto error = text.get_string().get(label.value)) return error;
      }
      group.labels.push_back(label);
    }
    return simdjson::SUCCESS;
  }

  simdjson::ondemand::parser parser_;
  simdjson::padded_string clean_;
  std::string wrong_;  // what is wrong, where simdjson can't know
};

class Reader {
 public:
  explicit Reader(const ByteSource& source) : window_(source) {}

  Result<std::vector<GroupMark>> Read(const std::vector<GroupMark>& before,
                                      const ChangedGroup& changed) {
    std::vector<GroupMark> marks;
    marks.reserve(before.size());
    GroupText group;
    for (;;) {
      const std::size_t index = marks.size();
      if (index < before.size()) {
        const GroupMark& mark = before[index];
        if (auto seen = window_.Want(mark.bytes()); !seen) return Failed(seen);
        if (window_.size() >= mark.bytes() &&
            HashOf(mark.bytes()) == mark.hash()) {
          marks.push_back(mark);
          window_.Advance(mark.bytes());
          continue;
        }
      }
      auto span = NextSpan(index);
      if (!span) return Failed(span);
      if (span->bytes == 0) return marks;
      if (auto parsed = parser_.Parse(window_.data() + span->start,
                                      span->bytes - span->start,
                                      window_.readable() - span->start, group);
          !parsed) {
        return std::unexpected(
            std::move(parsed.error())
                .Within("group " + std::to_string(index) + " at byte " +
                        std::to_string(window_.position() + span->start)));
      }
      changed(index, group);
      marks.emplace_back(HashOf(span->bytes),
                         static_cast<std::uint32_t>(span->bytes));
      window_.Advance(span->bytes);
    }
  }

 private:
  // A span at the front of the window.
  struct Span {
    std::size_t start = 0;  // of the group in it
    std::size_t bytes = 0;  // 0: there is no further group
  };

  template <typename T>
  static std::unexpected<Error> Failed(const Result<T>& result) {
    return std::unexpected(result.error());
  }

  std::uint64_t HashOf(std::size_t bytes) const {
    return XXH3_64bits(window_.data(), bytes);
  }

  // The character at `at` after spaces, which `at` is moved over; 0 at the end.
  Result<char> Next(std::size_t& at) {
    for (;; ++at) {
      if (at >= window_.size()) {
        if (auto more = window_.WantMore(); !more) return Failed(more);
        if (at >= window_.size()) return '\0';
      }
      if (!IsSpace(window_.data()[at])) return window_.data()[at];
    }
  }

  std::unexpected<Error> Unexpected(std::size_t at, std::string_view wanted) {
    const bool end = at >= window_.size();
    return Reject("byte " + std::to_string(window_.position() + at) + ": " +
                  std::string(wanted) + " expected, but the text " +
                  (end ? "ends" : "goes on otherwise"));
  }

  // Nothing but spaces may follow `at`.
  Result<Span> End(std::size_t at) {
    const auto next = Next(at);
    if (!next) return Failed(next);
    if (at < window_.size()) return Unexpected(at, "the end");
    return Span{};
  }

  Result<Span> NextSpan(std::size_t index) {
    std::size_t at = 0;
    auto next = Next(at);
    if (!next) return Failed(next);
    if (index == 0) {
      if (*next == 'n') return Null(at);
      if (*next != '[') return Unexpected(at, "a list of target groups");
      next = Next(++at);
      if (!next) return Failed(next);
      if (*next == ']') return End(at + 1);
    } else {
      if (*next == ']') return End(at + 1);
      if (*next != ',') return Unexpected(at, "a comma or the end of the list");
      next = Next(++at);
      if (!next) return Failed(next);
    }
    if (*next == 'n') return Reject("nil target group item found");
    if (*next != '{') return Unexpected(at, "a target group");
    EndOfObject object;
    for (std::size_t looked_at = at;;) {
      const auto length =
          object.Find({window_.data() + looked_at, window_.size() - looked_at});
      if (length) return Span{at, looked_at + *length};
      looked_at = window_.size();
      if (looked_at > kMaxGroupBytes) {
        return Reject("group " + std::to_string(index) +
                      " is larger than 1 GiB");
      }
      if (auto more = window_.WantMore(); !more) return Failed(more);
      if (window_.size() == looked_at) {
        return Unexpected(looked_at, "the end of a target group");
      }
    }
  }

  // `null` is a list without groups, as Go has it.
  Result<Span> Null(std::size_t at) {
    if (auto more = window_.Want(at + 4); !more) return Failed(more);
    if (std::string_view(window_.data(), window_.size()).substr(at, 4) !=
        "null") {
      return Unexpected(at, "a list of target groups");
    }
    return End(at + 4);
  }

  Window window_;
  GroupParser parser_;
};

}  // namespace

Result<std::vector<GroupMark>> ReadJsonGroups(
    const ByteSource& source, const std::vector<GroupMark>& before,
    const ChangedGroup& changed) {
  return Reader(source).Read(before, changed);
}

}  // namespace ta
