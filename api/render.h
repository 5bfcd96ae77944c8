// The bodies of target lists, rendered straight into the buffer.

#pragma once

#include <string_view>

#include "allocator/snapshot.h"
#include "api/json.h"

namespace ta {

// Which labels of a target are served.
enum class LabelsMode {
  kDiscovered,  // as discovered: the scraper relabels them itself
  kRelabeled,   // as relabeling left them, without __meta_*
};

// `[{"targets":["host:port"],"labels":{…}},…]`, one group a target, as the Go
// allocator writes it; no newline. A null list is `[]`. Stops
// early when `out` is refused room. Relabeling a target
// anew costs a few microseconds and saves keeping its labels twice.
// REQUIRES: for kRelabeled, job.relabeler is not null
void RenderTargets(const JobView& job, const TargetList* list, LabelsMode mode,
                   ByteBuffer& out);

// The discovered `__address__`. Nearly always the first of a target's own
// labels, and looked for there first.
std::string_view AddressOf(const Target& target);

// `{"name":"value",…}`: the union of both, `own` winning.
void RenderLabels(const Labels& group, const Labels& own, ByteBuffer& out);

}  // namespace ta
