#include "api/render.h"

namespace ta {
namespace {

void AppendPair(LabelPair pair, bool& first, ByteBuffer& out) {
  out.Append(first ? '{' : ',');
  first = false;
  AppendJsonString(pair.name, out);
  out.Append(':');
  AppendJsonString(pair.value, out);
}

// Calls `visit` with each pair of the union in byte order of names.
template <typename Visitor>
void ForEachPair(const Labels& group, const Labels& own, Visitor visit) {
  const std::size_t group_size = group.size();
  const std::size_t own_size = own.size();
  std::size_t g = 0;
  std::size_t o = 0;
  while (g < group_size && o < own_size) {
    const LabelPair a = group[g];
    const LabelPair b = own[o];
    const int order = a.name.compare(b.name);
    visit(order < 0 ? a : b);
    g += order <= 0;
    o += order >= 0;
  }
  for (; g < group_size; ++g) visit(group[g]);
  for (; o < own_size; ++o) visit(own[o]);
}

void RenderTarget(std::string_view address, ByteBuffer& out) {
  out.Append("{\"targets\":[");
  AppendJsonString(address, out);
  out.Append("],\"labels\":");
}

}  // namespace

void RenderLabels(const Labels& group, const Labels& own, ByteBuffer& out) {
  bool first = true;
  ForEachPair(group, own,
              [&](LabelPair pair) { AppendPair(pair, first, out); });
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
    for (const ListedTarget& listed : list->targets) {
      const Target& target = *listed.target;
      if (mode == LabelsMode::kDiscovered) {
        separate();
        RenderTarget(target.Get("__address__"), out);
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
