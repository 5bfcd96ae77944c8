#include "api/render.h"

#include <algorithm>

namespace ta {
namespace {

// What a pair may need at the end of a buffer, so that it doesn't grow for it.
constexpr std::size_t kSpareBytes = 1024;
// How much room is made on the strength of one target's length.
constexpr std::size_t kMostRoomAhead = std::size_t{1} << 20;

void AppendPair(const LabelPair& pair, bool& first, ByteBuffer& out) {
  out.Reserve(JsonRoom(pair.name) + JsonRoom(pair.value) + 2);
  char* to = out.end();
  *to++ = first ? '{' : ',';
  first = false;
  to = WriteJsonString(pair.name, to);
  *to++ = ':';
  to = WriteJsonString(pair.value, to);
  out.Advance(static_cast<std::size_t>(to - out.end()));
}

// Calls `visit` with each pair of the union in byte order of names. By
// reference: a copy of what was just written waits until that is in the cache.
template <typename Visitor>
void ForEachPair(const Labels& group, const Labels& own, Visitor visit) {
  auto g = group.begin();
  auto o = own.begin();
  const auto group_end = group.end();
  const auto own_end = own.end();
  if (g != group_end && o != own_end) {
    LabelPair a = *g;
    LabelPair b = *o;
    for (;;) {
      const int order = a.name.compare(b.name);
      visit(order < 0 ? a : b);
      if (order <= 0) {
        if (++g == group_end) {
          if (order == 0) ++o;
          break;
        }
        a = *g;
      }
      if (order >= 0) {
        if (++o == own_end) break;
        b = *o;
      }
    }
  }
  for (; g != group_end; ++g) visit(*g);
  for (; o != own_end; ++o) visit(*o);
}

void RenderTarget(std::string_view address, ByteBuffer& out) {
  out.Append("{\"targets\":[");
  AppendJsonString(address, out);
  out.Append("],\"labels\":");
}

// The targets of a list are about as long as the first one: room for all of
// them at once, rather than twice as much again and again, each page of it new.
void MakeRoom(std::size_t expected_bytes, ByteBuffer& out) {
  out.ReserveAhead(std::min(expected_bytes + expected_bytes / 16 + kSpareBytes,
                            kMostRoomAhead));
}

// A list's targets lie all over memory. Those after the one that is rendered
// are fetched meanwhile, one step further in each turn.
void Prefetch(const TargetList& list, std::size_t now) {
  const auto& targets = list.targets;
  if (now + 3 < targets.size()) {
    __builtin_prefetch(targets[now + 3].target.get());
  }
  if (now + 2 < targets.size()) {
    targets[now + 2].target->group.PrefetchList();
    targets[now + 2].target->own.PrefetchList();
  }
  if (now + 1 < targets.size()) {
    targets[now + 1].target->group.PrefetchPairs();
    targets[now + 1].target->own.PrefetchPairs();
  }
}

}  // namespace

std::string_view AddressOf(const Target& target) {
  if (!target.own.empty()) {
    const LabelPair first = target.own[0];
    if (first.name == "__address__") return first.value;
  }
  return target.Get("__address__");
}

void RenderLabels(const Labels& group, const Labels& own, ByteBuffer& out) {
  bool first = true;
  ForEachPair(group, own,
              [&](const LabelPair& pair) { AppendPair(pair, first, out); });
  if (first) out.Append('{');
  out.Append('}');
}

void RenderTargets(const JobView& job, const TargetList* list, LabelsMode mode,
                   ByteBuffer& out) {
  bool first_target = true;
  RelabelBuffer relabeled;
  const auto separate = [&] {
    out.Append(first_target ? '[' : ',');
    first_target = false;
  };
  if (list != nullptr) {
    const std::size_t begin = out.size();
    for (std::size_t i = 0; i < list->targets.size(); ++i) {
      if (out.refused()) return;
      if (i == 1) MakeRoom((out.size() - begin) * list->targets.size(), out);
      Prefetch(*list, i);
      const Target& target = *list->targets[i].target;
      if (mode == LabelsMode::kDiscovered) {
        separate();
        RenderTarget(AddressOf(target), out);
        RenderLabels(target.group, target.own, out);
        out.Append('}');
        continue;
      }
      // A served target was kept by these very rules.
      if (!job.relabeler->Relabel(target.group, target.own, relabeled).kept()) {
        continue;
      }
      std::string_view address;
      for (const LabelPair& pair : relabeled.labels()) {
        if (pair.name == "__address__") address = pair.value;
      }
      separate();
      RenderTarget(address, out);
      bool first = true;
      for (const LabelPair& pair : relabeled.labels()) {
        AppendPair(pair, first, out);
      }
      out.Append(first ? "{}}" : "}}");
    }
  }
  out.Append(first_target ? "[]" : "]");
}

}  // namespace ta
