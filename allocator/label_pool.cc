// Three kinds of state, each with its lock, taken in this order: a shard (its
// pairs, its hash table, its slabs), the names, the free slab numbers.
//
// A reference count falls from one to zero only under the lock under which it
// is found again, so whoever finds an entry finds it alive: there is no moment
// in which an entry is neither in the table nor free.

#include "allocator/label_pool.h"

#include <array>
#include <cassert>
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "allocator/label_bases.h"
#include "hashing/hash.h"

namespace ta::label_pool {

Slab g_slabs[kMaxSlabs];
std::atomic<Name**> g_names[kMaxNameBlocks];

namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};

// Without memory there is nothing left to do, as with operator new.
void* Allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Empties a container and gives back its memory, which `= {}` would keep.
template <typename Container>
void Release(Container& container) {
  Container().swap(container);
}

// ------------------------------------------------------------------ names

class NameTable {
 public:
  NameId Intern(std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (const auto found = ids_.find(text); found != ids_.end()) {
      At(found->second)->refs.fetch_add(1, std::memory_order_relaxed);
      return found->second;
    }
    void* memory = Allocate(sizeof(Name) + text.size());
    Name* name = new (memory)
        Name{1, static_cast<std::uint32_t>(text.size()), Hash64(text)};
    char* bytes = reinterpret_cast<char*>(name + 1);
    if (!text.empty()) std::memcpy(bytes, text.data(), text.size());
    const NameId id = NextId(text.starts_with("__meta_"));
    Slot(id) = name;
    ids_.emplace(std::string_view(bytes, text.size()), id);
    bytes_ += sizeof(Name) + text.size();
    return id;
  }

  void Drop(NameId id) {
    if (DropUnlessLast(At(id)->refs)) return;
    const std::lock_guard lock(mutex_);
    Name* name = At(id);
    if (name->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    ids_.erase({reinterpret_cast<const char*>(name + 1), name->length});
    bytes_ -= sizeof(Name) + name->length;
    std::free(name);
    Slot(id) = nullptr;
    free_[IsMeta(id)].push_back(id);
    if (!ids_.empty()) {
      if (ids_.size() * 8 < ids_.bucket_count()) ids_.rehash(0);
      return;
    }
    Release(ids_);  // no number is in use: begin again from zero
    for (auto& ids : free_) Release(ids);
    next_ = {0, 1};
  }

  Name* At(NameId id) {
    return g_names[id >> kNameBlockBits].load(
        std::memory_order_acquire)[id & (kNameBlock - 1)];
  }

  std::size_t Bytes() {
    const std::lock_guard lock(mutex_);
    return bytes_ + ids_.size() * 48 + ids_.bucket_count() * sizeof(void*) +
           (free_[0].capacity() + free_[1].capacity()) * sizeof(NameId);
  }

 private:
  Name*& Slot(NameId id) {
    std::atomic<Name**>& block = g_names[id >> kNameBlockBits];
    Name** names = block.load(std::memory_order_relaxed);
    if (names == nullptr) {
      // Blocks stay: 32 KB for each 4,096 names that ever lived at once.
      names = static_cast<Name**>(Allocate(kNameBlock * sizeof(Name*)));
      std::memset(names, 0, kNameBlock * sizeof(Name*));
      block.store(names, std::memory_order_release);
    }
    return names[id & (kNameBlock - 1)];
  }

  NameId NextId(bool meta) {
    if (!free_[meta].empty()) {
      const NameId id = free_[meta].back();
      free_[meta].pop_back();
      return id;
    }
    const NameId id = next_[meta];
    assert(id >> kNameBlockBits < kMaxNameBlocks);
    next_[meta] += 2;
    return id;
  }

  std::mutex mutex_;  // guards all below, and that no count falls to zero
  std::unordered_map<std::string_view, NameId> ids_;
  // Of names that are no meta labels, and of those that are.
  std::array<std::vector<NameId>, 2> free_;
  std::array<NameId, 2> next_ = {0, 1};
  std::size_t bytes_ = 0;
};

// ------------------------------------------------------------------ slabs

// What a shard knows of one of its slabs.
struct SlabState {
  std::uint32_t used = 0;
  std::uint32_t fresh = 0;           // slots never given out begin here
  std::uint32_t first_free = kNone;  // chained through Pair::next
  std::uint32_t where = 0;           // index in the list of those with room
  std::uint32_t size_class = 0;
};

class SlabNumbers {
 public:
  std::uint32_t Take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      assert(next_ < kMaxSlabs);
      return next_++;
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  void Return(std::uint32_t number) {
    const std::lock_guard lock(mutex_);
    free_.push_back(number);
  }

 private:
  std::mutex mutex_;  // guards all below
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 0;
};

// Slot sizes: 16 bytes and the value, by 8 up to 128 and by 16 up to 256. The
// last class but for long values is the one a value of kMaxInline needs.
constexpr std::uint32_t kClasses = 22;
constexpr std::uint32_t ClassOf(std::size_t length) {
  const auto bytes = static_cast<std::uint32_t>(
      sizeof(Pair) + (length > Pair::kMaxInline ? sizeof(char*) : length));
  if (bytes <= 24) return 0;
  if (bytes <= 128) return (bytes + 7) / 8 - 3;
  return 13 + (bytes - 128 + 15) / 16;
}
constexpr std::uint32_t StrideOf(std::uint32_t size_class) {
  return size_class <= 13 ? 24 + 8 * size_class : 128 + 16 * (size_class - 13);
}
static_assert(ClassOf(Pair::kMaxInline) == kClasses - 1);
static_assert(StrideOf(kClasses - 1) == 256);
static_assert(sizeof(Pair) == 16);

SlabNumbers& Numbers() {
  static SlabNumbers* numbers = new SlabNumbers;  // outlives static Labels
  return *numbers;
}
NameTable& Names() {
  static NameTable* names = new NameTable;
  return *names;
}

// ------------------------------------------------------------------ pairs

class Shard {
 public:
  PairId Intern(std::uint64_t hash, std::string_view name,
                std::string_view value) {
    const std::lock_guard lock(mutex_);
    if (!buckets_.empty()) {
      for (std::uint32_t link = buckets_[Bucket(hash)]; link != 0;) {
        Pair* pair = PairAt(link - 1);
        if (pair->value() == value && NameText(pair->name) == name) {
          pair->refs.fetch_add(1, std::memory_order_relaxed);
          return link - 1;
        }
        link = pair->next;
      }
    }
    if (count_ == buckets_.size()) Resize(count_ == 0 ? 16 : 2 * count_);
    const PairId id = Place(value.size());
    Pair* pair = new (PairAt(id))
        Pair(Names().Intern(name), buckets_[Bucket(hash)], value.size());
    char* bytes = reinterpret_cast<char*>(pair + 1);
    if (pair->is_long()) {
      void* memory = Allocate(sizeof(Pair::LongValue) + value.size());
      auto* block = new (memory) Pair::LongValue{value.size()};
      std::memcpy(bytes, &block, sizeof block);
      bytes = reinterpret_cast<char*>(block + 1);
      long_bytes_ += sizeof(Pair::LongValue) + value.size();
    }
    if (!value.empty()) std::memcpy(bytes, value.data(), value.size());
    buckets_[Bucket(hash)] = id + 1;
    ++count_;
    return id;
  }

  void Drop(std::uint64_t hash, PairId id) {
    const std::lock_guard lock(mutex_);
    Pair* pair = PairAt(id);
    if (pair->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    std::uint32_t* link = &buckets_[Bucket(hash)];
    while (*link != id + 1) link = &PairAt(*link - 1)->next;
    *link = pair->next;
    Names().Drop(pair->name);
    if (pair->is_long()) {
      const std::size_t bytes = sizeof(Pair::LongValue) + pair->value().size();
      long_bytes_ -= bytes;
      void* block;
      std::memcpy(&block, pair + 1, sizeof block);
      std::free(block);
    }
    Free(id, pair);
    --count_;
    if (count_ == 0) {
      Release(buckets_);
    } else if (count_ * 8 < buckets_.size() && buckets_.size() > 16) {
      Resize(buckets_.size() / 4);
    }
  }

  void AddTo(Labels::PoolStats& stats) {
    const std::lock_guard lock(mutex_);
    stats.pairs += count_;
    stats.bytes += buckets_.size() * sizeof(buckets_[0]) + slab_bytes_ +
                   long_bytes_ + states_.size() * 56;
  }

 private:
  // Bits that do not choose the shard.
  std::size_t Bucket(std::uint64_t hash) const {
    return hash & (buckets_.size() - 1);
  }

  void Resize(std::size_t size) {
    std::vector<std::uint32_t> old(size, 0);
    old.swap(buckets_);
    for (std::uint32_t link : old) {
      while (link != 0) {
        Pair* pair = PairAt(link - 1);
        const std::uint32_t next = pair->next;
        std::uint32_t& bucket = buckets_[Bucket(HashOf(link - 1))];
        pair->next = bucket;
        bucket = link;
        link = next;
      }
    }
  }

  // A slot for a value of `length` bytes.
  PairId Place(std::size_t length) {
    const std::uint32_t size_class = ClassOf(length);
    std::vector<std::uint32_t>& roomy = with_room_[size_class];
    if (roomy.empty()) {
      const std::uint32_t number = Numbers().Take();
      const std::uint32_t stride = StrideOf(size_class);
      g_slabs[number] = {
          static_cast<char*>(Allocate(std::size_t{stride} * kSlots)), stride};
      slab_bytes_ += std::size_t{stride} * kSlots;
      states_[number].size_class = size_class;
      roomy.push_back(number);
    }
    const std::uint32_t number = roomy.back();
    SlabState& slab = states_[number];
    std::uint32_t slot = slab.first_free;
    if (slot != kNone) {
      slab.first_free = PairAt(number << kSlotBits | slot)->next;
    } else {
      slot = slab.fresh++;
    }
    if (++slab.used == kSlots) roomy.pop_back();
    return number << kSlotBits | slot;
  }

  void Free(PairId id, Pair* pair) {
    const std::uint32_t number = id >> kSlotBits;
    SlabState& slab = states_[number];
    std::vector<std::uint32_t>& roomy = with_room_[slab.size_class];
    if (slab.used == kSlots) {
      slab.where = static_cast<std::uint32_t>(roomy.size());
      roomy.push_back(number);
    }
    pair->next = slab.first_free;
    slab.first_free = id & (kSlots - 1);
    if (--slab.used != 0) return;
    roomy[slab.where] = roomy.back();
    states_[roomy.back()].where = slab.where;
    roomy.pop_back();
    slab_bytes_ -= std::size_t{g_slabs[number].stride} * kSlots;
    std::free(g_slabs[number].slots);
    g_slabs[number] = {};
    states_.erase(number);
    Numbers().Return(number);
  }

  std::mutex mutex_;  // guards all below, and that no count falls to zero
  std::vector<std::uint32_t> buckets_;  // PairId + 1, 0 for an empty one
  std::size_t count_ = 0;
  std::size_t slab_bytes_ = 0;
  std::size_t long_bytes_ = 0;
  std::unordered_map<std::uint32_t, SlabState> states_;
  std::array<std::vector<std::uint32_t>, kClasses> with_room_;
};

constexpr std::size_t kShards = 16;
std::array<Shard, kShards>& Shards() {
  static auto* shards = new std::array<Shard, kShards>;
  return *shards;
}
Shard& ShardOf(std::uint64_t hash) { return Shards()[hash >> 60]; }

}  // namespace

Interned InternPair(std::string_view name, std::string_view value) {
  const std::uint64_t hash = Hash64(value, Hash64(name));
  return {ShardOf(hash).Intern(hash, name, value), hash};
}

std::uint64_t HashOf(PairId id) {
  const Pair* pair = PairAt(id);
  return Hash64(pair->value(), NameAt(pair->name)->hash);
}

void DropPair(PairId id) {
  if (DropUnlessLast(PairAt(id)->refs)) return;
  const std::uint64_t hash = HashOf(id);
  ShardOf(hash).Drop(hash, id);
}

NameId InternName(std::string_view name) { return Names().Intern(name); }

void AddNameReference(NameId id) {
  Names().At(id)->refs.fetch_add(1, std::memory_order_relaxed);
}

void DropName(NameId id) { Names().Drop(id); }

}  // namespace ta::label_pool

namespace ta {

Labels::PoolStats Labels::Stats() {
  PoolStats stats;
  for (label_pool::Shard& shard : label_pool::Shards()) shard.AddTo(stats);
  stats.bytes += label_pool::Names().Bytes();
  stats.bases = label_bases::Count();
  return stats;
}

}  // namespace ta
