// What makes two discovered targets the same one, and what decides where a
// target belongs. Both are hashes of labels, so they are equal in every replica
// and every later version; hashing/hash.h says how fields become bytes.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "allocator/labels.h"
#include "hashing/hash.h"

namespace ta {

// 128 bits that name a target, and its place in the strict order of targets.
// Equal ids are one target, however often and wherever it was discovered.
using TargetId = ItemId;

// Hash of the job and the labels as given. After relabeling that is what
// Prometheus's PopulateLabels leaves (no __meta_*); where nothing is relabeled,
// the discovered labels, __meta_* included. Hashed are
//
//   string job, then for each label in byte order of names: string name, string
//   value
//
// with the seed kKeySeed. REQUIRES: labels sorted by name, names unique.
TargetId TargetIdOf(std::string_view job, std::span<const LabelPair> labels);
TargetId TargetIdOf(std::string_view job, const Labels& labels);

// Where the target stands on the ring: hash of the job and of what of it names
// the endpoint, so that a changed pod label moves no target and two exporters
// behind one proxy address are not glued together. Hashed are, with kKeySeed,
//
//   string job, string __address__, string __scheme__, string __metrics_path__
//   ("" where absent), then for each __param_* in byte order of names: string
//   name, string value
//
// Equal keys are normal. REQUIRES: labels sorted by name, names unique.
std::uint64_t PlacementKeyOf(std::string_view job,
                             std::span<const LabelPair> labels);
std::uint64_t PlacementKeyOf(std::string_view job, const Labels& labels);

// 32 lower-case hexadecimal digits, high before low: how an id is shown.
std::string ToHex(const TargetId& id);
// The reverse; nothing if `text` is not exactly 32 hexadecimal digits.
std::optional<TargetId> ParseTargetId(std::string_view text);

}  // namespace ta
