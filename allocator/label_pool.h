// The pool behind Labels: every distinct label name and every distinct pair of
// the process once, each under a number.
//
// Names are few and repeat endlessly, so a pair names its name by number; that
// relabeling can then compare, find and remember names as integers matters as
// much as the memory. A pair is 16 bytes, its value in place (rounded up to 8;
// from 240 bytes on in a block of its own) and 4 to 8 bytes of hash table. Its
// hash is computed again when it is needed: there are five pairs of its own to
// each target.
//
// Writers lock one of 16 shards for a moment. Readers lock nothing: a pair's
// and a name's place doesn't move while somebody holds a reference, and whoever
// hands a Labels to another thread makes its pairs visible with it.
//
// Internal to the core: for labels.cc and the hot paths of relabeling.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "allocator/labels.h"

namespace ta {

namespace label_pool {

using PairId = std::uint32_t;
using NameId = std::uint32_t;

// Drops a reference unless it is the last, which falls only under the lock
// under which the thing is found.
inline bool DropUnlessLast(std::atomic<std::uint32_t>& refs) {
  std::uint32_t seen = refs.load(std::memory_order_relaxed);
  while (seen > 1) {
    if (refs.compare_exchange_weak(seen, seen - 1, std::memory_order_release,
                                   std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

// A name in the pool; its bytes follow.
struct Name {
  std::atomic<std::uint32_t> refs;
  std::uint32_t length;
  std::uint64_t hash;  // of its bytes
};

// A pair in the pool; its value follows, or a pointer to a LongValue.
class Pair {
 public:
  static constexpr std::uint32_t kMaxInline = 239;
  // A number that a pair keeps for label_bases.h; 0 at first.
  static constexpr std::uint32_t kMaxHint = (1u << 24) - 1;

  // A value of more than kMaxInline bytes; they follow.
  struct LongValue {
    std::uint64_t length;
  };

  Pair(NameId of, std::uint32_t chained, std::size_t length)
      : name(of),
        next(chained),
        length_and_hint_(static_cast<std::uint32_t>(
            length > kMaxInline ? kIsLong : length)) {}

  std::string_view value() const {
    const char* bytes = reinterpret_cast<const char*>(this + 1);
    std::size_t length = length_and_hint_.load(std::memory_order_relaxed) & 255;
    if (length == kIsLong) [[unlikely]] {
      const LongValue* value;
      std::memcpy(&value, bytes, sizeof value);
      bytes = reinterpret_cast<const char*>(value + 1);
      length = value->length;
    }
    return {bytes, length};
  }
  bool is_long() const {
    return (length_and_hint_.load(std::memory_order_relaxed) & 255) == kIsLong;
  }
  std::uint32_t hint() const {
    return length_and_hint_.load(std::memory_order_relaxed) >> 8;
  }
  // Of several threads one wins. REQUIRES: hint <= kMaxHint
  void set_hint(std::uint32_t hint) {
    const std::uint32_t length =
        length_and_hint_.load(std::memory_order_relaxed) & 255;
    length_and_hint_.store(hint << 8 | length, std::memory_order_relaxed);
  }

  std::atomic<std::uint32_t> refs = 1;
  const NameId name;
  std::uint32_t next;  // in the chain of its bucket: PairId + 1, 0 at its end

 private:
  static constexpr std::uint32_t kIsLong = 255;
  std::atomic<std::uint32_t> length_and_hint_;
};

// Pairs live in slabs of kSlots slots of one size. A pair's number is its
// slab's number and its slot, so it takes one look at this table to find it.
// The table is address space; memory is what is in use of it.
inline constexpr std::uint32_t kSlotBits = 9;
inline constexpr std::uint32_t kSlots = 1u << kSlotBits;
inline constexpr std::uint32_t kMaxSlabs = 1u << 21;
struct Slab {
  char* slots;
  std::uint32_t stride;
};
extern Slab g_slabs[kMaxSlabs];

// Names are found through a table of tables.
inline constexpr std::uint32_t kNameBlockBits = 12;
inline constexpr std::uint32_t kNameBlock = 1u << kNameBlockBits;
inline constexpr std::uint32_t kMaxNameBlocks = 1u << 16;
extern std::atomic<Name**> g_names[kMaxNameBlocks];

// Whether a name begins with __meta_: its number tells.
constexpr bool IsMeta(NameId id) { return (id & 1) != 0; }

// REQUIRES, both: the caller holds a reference.
inline Pair* PairAt(PairId id) {
  const Slab& slab = g_slabs[id >> kSlotBits];
  return reinterpret_cast<Pair*>(slab.slots +
                                 std::size_t{id & (kSlots - 1)} * slab.stride);
}
inline const Name* NameAt(NameId id) {
  return g_names[id >> kNameBlockBits].load(
      std::memory_order_acquire)[id & (kNameBlock - 1)];
}
inline std::string_view NameText(NameId id) {
  const Name* name = NameAt(id);
  return {reinterpret_cast<const char*>(name + 1), name->length};
}

struct Interned {
  PairId id;
  std::uint64_t hash;  // HashOf
};
// A reference more to the pair of this content, made if need be. Locks.
Interned InternPair(std::string_view name, std::string_view value);
// The hash of a pair's content. REQUIRES: the caller holds a reference.
std::uint64_t HashOf(PairId id);
// A reference more, or less, to a pair that the caller holds.
inline void AddReference(PairId id) {
  PairAt(id)->refs.fetch_add(1, std::memory_order_relaxed);
}
void DropPair(PairId id);

// The same for names.
NameId InternName(std::string_view name);
void AddNameReference(NameId id);
void DropName(NameId id);

}  // namespace label_pool

// A reference to an interned name, as a value: while one lives, its number
// means this name and no other. Two are equal if their names are. Thread-safe
// like Labels; making one takes a lock.
class LabelName {
 public:
  explicit LabelName(std::string_view name)
      : id_(label_pool::InternName(name)) {}
  // Another reference to a name that somebody holds.
  static LabelName Holding(label_pool::NameId id) {
    label_pool::AddNameReference(id);
    return LabelName(id, Adopt());
  }
  LabelName(const LabelName& other) : id_(other.id_) {
    label_pool::AddNameReference(id_);
  }
  LabelName& operator=(const LabelName& other) {
    label_pool::AddNameReference(other.id_);
    label_pool::DropName(id_);
    id_ = other.id_;
    return *this;
  }
  ~LabelName() { label_pool::DropName(id_); }

  label_pool::NameId id() const { return id_; }
  std::string_view text() const { return label_pool::NameText(id_); }
  bool operator==(const LabelName& other) const { return id_ == other.id_; }

 private:
  struct Adopt {};
  LabelName(label_pool::NameId id, Adopt) : id_(id) {}
  label_pool::NameId id_;
};

}  // namespace ta
