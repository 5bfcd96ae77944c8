#include "discovery/kubernetes/store.h"

#include <algorithm>
#include <cassert>
#include <unordered_set>
#include <utility>

namespace ta::kubernetes {

void Store::Enter(BuiltIndex& built, const Object& object) {
  built.index.values_of(object, [&](std::string_view value) {
    auto found = built.keys.find(value);
    if (found == built.keys.end())
      found = built.keys.emplace(value, Keys()).first;
    found->second.insert(object.key);
  });
}

void Store::Leave(BuiltIndex& built, const Object& object) {
  built.index.values_of(object, [&](std::string_view value) {
    const auto found = built.keys.find(value);
    if (found == built.keys.end()) return;
    found->second.erase(object.key);
    if (found->second.empty()) built.keys.erase(found);
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

const std::set<std::string_view>& Store::ByIndex(const Index& index,
                                                 std::string_view value) const {
  static const Keys kNone;
  for (const auto& built : indexes_) {
    if (built->index.name != index.name) continue;
    const auto found = built->keys.find(value);
    return found == built->keys.end() ? kNone : found->second;
  }
  assert(false && "no such index");
  return kNone;
}

void Store::AddListener(StoreListener* listener) {
  listeners_.push_back(listener);
}

void Store::RemoveListener(StoreListener* listener) {
  std::erase(listeners_, listener);
}

}  // namespace ta::kubernetes
