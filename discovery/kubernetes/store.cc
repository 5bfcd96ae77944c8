#include "discovery/kubernetes/store.h"

#include <algorithm>
#include <cassert>
#include <unordered_set>
#include <utility>

namespace ta::kubernetes {
namespace {

bool Has(const Index& index, const Object& object, std::string_view value) {
  bool has = false;
  index.values_of(object,
                  [&](std::string_view each) { has = has || each == value; });
  return has;
}

}  // namespace

std::size_t HashOfValue(std::string_view value) {
  return std::hash<std::string_view>()(value);
}

void Store::Enter(BuiltIndex& built, const Object& object) {
  built.index.values_of(object, [&](std::string_view value) {
    built.entries.insert({built.index.hash_of(value), &object});
  });
}

void Store::Leave(BuiltIndex& built, const Object& object) {
  built.index.values_of(object, [&](std::string_view value) {
    built.entries.erase({built.index.hash_of(value), &object});
  });
}

void Store::Tell(const Object* before, const Object* now) {
  for (StoreListener* listener : listeners_) {
    listener->Changed(*this, before, now);
  }
}

void Store::TellSettled() {
  for (StoreListener* listener : listeners_) listener->Settled(*this);
}

bool Store::Put(ObjectPtr object) {
  assert(object->resource == scope_.resource);
  const Object& now = *object;
  const auto found = objects_.find(now.key);
  if (found == objects_.end()) {
    objects_.emplace(now.key, std::move(object));
    for (auto& built : indexes_) Enter(*built, now);
    Tell(nullptr, &now);
    return true;
  }
  if (Same(*found->second, now)) return false;
  const ObjectPtr before = found->second;
  for (auto& built : indexes_) Leave(*built, *before);
  auto node = objects_.extract(found);
  node.key() = now.key;  // the old one's bytes go with it
  node.mapped() = std::move(object);
  objects_.insert(std::move(node));
  for (auto& built : indexes_) Enter(*built, now);
  Tell(before.get(), &now);
  return true;
}

bool Store::Take(std::string_view key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return false;
  const ObjectPtr before = found->second;
  for (auto& built : indexes_) Leave(*built, *before);
  objects_.erase(found);
  Tell(before.get(), nullptr);
  return true;
}

void Store::Replace(std::vector<ObjectPtr> objects) {
  std::unordered_set<std::string_view> listed;
  for (const ObjectPtr& object : objects) listed.insert(object->key);
  std::vector<std::string> gone;
  for (const auto& [key, object] : objects_) {
    if (!listed.contains(key)) gone.emplace_back(key);
  }
  bool changed = !synced_;
  synced_ = true;
  for (const std::string& key : gone) changed = Take(key) || changed;
  for (ObjectPtr& object : objects) changed = Put(object) || changed;
  if (changed) TellSettled();
}

void Store::Upsert(ObjectPtr object) {
  if (Put(std::move(object))) TellSettled();
}

void Store::Delete(std::string_view key) {
  if (Take(key)) TellSettled();
}

const Object* Store::Find(std::string_view key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second.get();
}

void Store::AddIndex(const Index& index) {
  for (const auto& built : indexes_) {
    if (built->index.name == index.name) return;
  }
  auto built = std::make_unique<BuiltIndex>(BuiltIndex{index, {}});
  for (const auto& [key, object] : objects_) Enter(*built, *object);
  indexes_.push_back(std::move(built));
}

std::vector<std::string_view> Store::ByIndex(const Index& index,
                                             std::string_view value) const {
  const auto found =
      std::ranges::find(indexes_, index.name,
                        [](const auto& built) { return built->index.name; });
  assert(found != indexes_.end());
  const std::set<Entry, EntryLess>& entries = (*found)->entries;
  const std::size_t hash = index.hash_of(value);
  std::vector<std::string_view> keys;
  for (auto entry = entries.lower_bound({hash, nullptr});
       entry != entries.end() && entry->hash == hash; ++entry) {
    if (Has(index, *entry->object, value)) keys.push_back(entry->object->key);
  }
  std::ranges::sort(keys);
  return keys;
}

void Store::AddListener(StoreListener* listener) {
  listeners_.push_back(listener);
}

void Store::RemoveListener(StoreListener* listener) {
  std::erase(listeners_, listener);
}

}  // namespace ta::kubernetes
