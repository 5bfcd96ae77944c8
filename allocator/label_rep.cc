#include "allocator/label_rep.h"

#include <bit>
#include <cstring>
#include <new>

#include "allocator/label_bases.h"
#include "hashing/hash.h"

namespace ta::label_rep {
namespace {

using label_pool::PairId;
using Rep = Labels::Rep;
using Ids = std::span<const PairId>;

// With room for a base's number where it may become one.
Rep* NewPlain(Ids ids, std::uint64_t hash) {
  const bool compared = label_bases::Compared(ids.size());
  void* memory = ::operator new(sizeof(Rep) + ids.size_bytes() +
                                (compared ? sizeof(std::uint32_t) : 0));
  Rep* rep = new (memory) Rep(Rep::Kind::kPlain, ids.size(), hash);
  std::memcpy(rep->ids(), ids.data(), ids.size_bytes());
  if (compared) label_bases::Add(rep);
  return rep;
}

// What `ids` has otherwise than its base, whose reference it takes over.
Rep* NewDifference(Ids ids, std::uint64_t hash,
                   const label_bases::Nearest& nearest) {
  void* memory =
      ::operator new(sizeof(Rep) + Rep::Difference::Bytes(nearest.differing));
  Rep* rep = new (memory) Rep(Rep::Kind::kDifference, ids.size(), hash);
  Rep::Difference& difference = rep->difference();
  difference.base = nearest.base;
  difference.count = static_cast<std::uint8_t>(nearest.differing);
  for (std::size_t i = 0; i < nearest.differing; ++i) {
    difference.positions()[i] = nearest.positions[i];
    difference.ids()[i] = ids[nearest.positions[i]];
  }
  return rep;
}

}  // namespace

Rep* Make(Ids ids, std::span<const std::uint64_t> hashes) {
  const std::uint64_t hash = HashOfAll(hashes);
  if (!label_bases::Compared(ids.size())) return NewPlain(ids, hash);
  const label_bases::Nearest nearest = label_bases::FindNearest(ids);
  if (nearest.base == nullptr) return NewPlain(ids, hash);
  Rep* const rep =
      nearest.differing == 0 ? nearest.base : NewDifference(ids, hash, nearest);
  // The base holds the pairs that are equal.
  const std::uint8_t* differs = nearest.positions.data();
  const std::uint8_t* const end = differs + nearest.differing;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (differs != end && *differs == i) {
      ++differs;
    } else {
      label_pool::DropPair(ids[i]);
    }
  }
  return rep;
}

std::uint64_t HashOfAll(std::span<const std::uint64_t> hashes) {
  static_assert(std::endian::native == std::endian::little);
  return Hash64(
      {reinterpret_cast<const char*>(hashes.data()), hashes.size_bytes()});
}

void DropReference(Rep* rep) {
  if (rep->kind == Rep::Kind::kBase
          ? !label_bases::DropReference(rep)
          : rep->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  Rep* base = nullptr;
  Ids own(rep->ids(), rep->count);
  if (rep->kind == Rep::Kind::kDifference) {
    base = rep->difference().base;
    own = {rep->difference().ids(), rep->difference().count};
  }
  for (const PairId id : own) label_pool::DropPair(id);
  rep->~Rep();
  ::operator delete(rep);
  if (base != nullptr) DropReference(base);
}

PairId IdAt(const Rep& rep, std::size_t i) {
  if (rep.kind != Rep::Kind::kDifference) return rep.ids()[i];
  const Rep::Difference& difference = rep.difference();
  for (std::size_t d = 0; d < difference.count; ++d) {
    if (difference.positions()[d] >= i) {
      if (difference.positions()[d] == i) return difference.ids()[d];
      break;
    }
  }
  return difference.base->ids()[i];
}

}  // namespace ta::label_rep
