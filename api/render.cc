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
  const std::size_t group_size = group.size();
  const std::size_t own_size = own.size();
  std::size_t g = 0;
  std::size_t o = 0;
  if (group_size > 0 && own_size > 0) {
    LabelPair a = group[0];
    LabelPair b = own[0];
    for (;;) {
      const int order = a.name.compare(b.name);
      visit(order < 0 ? a : b);
      if (order <= 0) {
        if (++g == group_size) {
          o += order == 0;
          break;
        }
        a = group[g];
      }
      if (order >= 0) {
        if (++o == own_size) break;
        b = own[o];
      }
    }
  }
  for (; g < group_size; ++g) visit(group[g]);
  for (; o < own_size; ++o) visit(own[o]);
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
    for (const ListedTarget& listed : list->targets) {
      if (out.refused()) return;
      if (&listed == list->targets.data() + 1) {
        MakeRoom((out.size() - begin) * list->targets.size(), out);
      }
      const Target& target = *listed.target;
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
